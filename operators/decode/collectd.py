"""collectd's JSON, as its plugin ``write_kafka`` sends it: an array of value lists, or one.

Name = plugin; tags `host`, `plugin_instance`, `type`, `type_instance` where not empty; fields = `dsnames`.  Types ``counter`` and
``derive`` are counters, ``gauge`` and ``absolute`` are not.  A null value (the first of a rate) is skipped and counted.

References
----------
https://github.com/collectd/collectd/blob/main/docs/manpages/collectd.conf.5.pod#plugin-write_kafka
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

from operators.decode import json, stamps
from operators.decode.errors import Undecodable
from operators.decode.points import Points

COUNTERS = ("counter", "derive")


class Values(msgspec.Struct):
    """One value list."""

    values: list[int | float | None]
    dsnames: list[str]
    dstypes: list[str]
    plugin: str
    host: str = ""
    plugin_instance: str | None = ""
    type: str | None = ""
    type_instance: str | None = ""
    time: Raw = json.NONE


_ONE = msgspec.json.Decoder(Values)
_MANY = msgspec.json.Decoder(list[Values])


def decode(body: bytes, out: Points, stamp: int) -> None:
    """Read a value list, or an array of them.

    Examples
    --------
    >>> from operators.decode.names import Names
    >>> out = Points(Names())
    >>> decode(b'[{"values":[1270783],"dstypes":["derive"],"dsnames":["value"],"time":1515406948.326,"host":"h","plugin":"cpu",'
    ...        b'"plugin_instance":"0","type":"cpu","type_instance":"user"}]', out, 0)
    >>> out.names.series.names, out.names.series.counters().tolist(), out.time
    (['cpu,host=h,plugin_instance=0,type=cpu,type_instance=user value'], [True], [1515406948326000000])
    """
    for it in _MANY.decode(body) if body.lstrip()[:1] == b"[" else [_ONE.decode(body)]:
        _take(it, out, stamp)


def _take(it: Values, out: Points, stamp: int) -> None:
    if not len(it.values) == len(it.dsnames) == len(it.dstypes):
        raise Undecodable("collectd: values, dsnames and dstypes differ in length.")
    text = bytes(it.time)
    time = stamps.of_text(text.decode()) if text else stamp
    for name, kind, value in zip(it.dsnames, it.dstypes, it.values, strict=True):
        if value is None:
            out.skipped += 1
            continue
        key = ("collectd", it.plugin, it.host, it.plugin_instance, it.type, it.type_instance, kind in COUNTERS)
        fields = out.names.known.get(key)
        if fields is None:
            tags = {"host": it.host, "plugin_instance": it.plugin_instance, "type": it.type}
            tags["type_instance"] = it.type_instance
            fields = out.names.of(it.plugin, ((k, v) for k, v in tags.items() if v), kind in COUNTERS)
            out.names.keep(key, len(fields.key), fields)
        out.add(fields[name], time, json.to_float(value) if isinstance(value, int) else value)
