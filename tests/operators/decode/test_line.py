"""Line protocol: what is written comes back; InfluxDB's rules of escaping and of numbers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.records import Poll
from operators.decode import Decoder, Names
from operators.decode.names import field_key, series_key
from tests.operators.decode.reading import STAMP, exact, read, refusal, rows

words = st.text(st.characters(codec="utf-8", exclude_characters="\\\t\n\f\r"), min_size=1, max_size=8).filter(
    lambda word: word[0] not in "#_ "
)
floats = st.floats(allow_nan=False, allow_infinity=False)
signed, unsigned = st.integers(-(2**63), 2**63 - 1), st.integers(0, 2**64 - 1)
booleans = st.sampled_from(["t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE"])
texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.one_of(
    floats.map(lambda x: (repr(x), x)),
    floats.map(lambda x: (f"{x:.17e}", x)),
    signed.map(lambda n: (f"{n}i", float(n))),
    unsigned.map(lambda n: (f"{n}u", float(n))),
    booleans.map(lambda word: (word, float(word[0] in "tT"))),
    texts.map(lambda text: ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"', None)),
)
lines = st.tuples(
    words,
    st.dictionaries(words, words, max_size=3),
    st.dictionaries(words, values, min_size=1, max_size=4),
    st.one_of(st.none(), st.integers(10**17, 2**62)),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(lines, min_size=1, max_size=4), st.sampled_from(["\n", "\r\n", "\n\n# a comment\n"]))
def test_what_is_written_comes_back(sent: list[tuple], between: str) -> None:  # type: ignore[type-arg]
    written, want = [], []
    for name, tags, fields, time in sent:
        series = series_key(name, tags.items())
        held = ",".join(f"{field_key(field)}={text}" for field, (text, _) in fields.items())
        written.append(f"{series} {held}" + (f" {time}" if time is not None else ""))
        times = STAMP if time is None else time
        want += [(f"{series} {field_key(f)}", times, x) for f, (_, x) in fields.items() if x is not None]
    assert exact(read([between.join(written).encode()], "influx")) == exact(want)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        (r"a\,b\ c=d,t\=\,=v\ \=w f\ g=1", r"a\,b\ c=d,t\=\,=v\ \=w f\ g"),
        (r"a\=b x=1", r"a\=b x"),
        (r"a,t=c\d\\e x=1", r"a,t=c\d\\e x"),
        (r"a,z=1,b=2 x=1", r"a,b=2,z=1 x"),
        ("a,t=é x=1", "a,t=é x"),
        ("a   x=1   5", "a x"),
        ("  \n#c\na x=1 \r\n", "a x"),
    ],
)
def test_names(line: str, name: str) -> None:
    assert [found for found, _, _ in read([line.encode()], "influx")] == [name]
    assert [found for found, _, _ in read([line.encode()])] == [name]


def test_text_holds_breaks_and_looks_like_anything() -> None:
    body = b'a s="x\n# y=1 2\n\\"z\\\\",n=4 1767225600000000000\nb n=5'
    decoded = Decoder(Names()).update(Poll.of([body], stamp=STAMP))
    assert rows(decoded) == [("a n", 1767225600 * 10**9, 4.0), ("b n", STAMP, 5.0)]
    assert decoded.skipped == 1


def test_numbers() -> None:
    body = b"a a=1,b=1.,c=.5,d=-1.5E+3,e=+2,f=1e-400,g=9223372036854775807i,h=18446744073709551615u,i=-0.0"
    values = [value for _, _, value in read([body])]
    assert list(map(repr, values)) == ["1.0", "1.0", "0.5", "-1500.0", "2.0", "0.0", f"{2.0**63}", f"{2.0**64}", "-0.0"]


@pytest.mark.parametrize(
    "body",
    [
        b"cpu,host= usage=1 1",
        b"cpu,=a usage=1",
        b"cpu,host usage=1",
        b"cpu,host=a,host=b usage=1",
        b"cpu,host=a=b usage=1",
        b",host=a usage=1",
        b"cpu usage=",
        b"cpu =1",
        b"cpu usage=1,",
        b"cpu usage=1 1.5",
        b"cpu usage=1 1 1",
        b"cpu usage=nan",
        b"cpu usage=inf",
        b"cpu usage=1e999",
        b"cpu usage=1_0",
        b"cpu usage=0x10",
        b"cpu usage=9223372036854775808i",
        b"cpu usage=18446744073709551616u",
        b"cpu usage=1.5i",
        b"cpu usage=-1u",
        b"cpu usage=yes",
        b'cpu usage="open',
        b"cpu usage=\xd9\xa1",
        b"cpu usage=1\n\xff x=1",
        b"cpu usage=1\ncpu",
        b"# only a comment",
    ],
)
def test_faults(body: bytes) -> None:
    assert refusal(body, "influx") == "undecodable"
    assert refusal(body) == "undecodable"
