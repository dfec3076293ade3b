"""Prometheus remote write 1.0: a protobuf in a snappy block.

The message's few fields are described here by protobuf's own means, for no compiled description of them is published for Python.
Name = ``__name__``, field ``value``, time in milliseconds; a name that ends in `SUFFIXES` is a counter, for types do not come with
the samples.  A stale marker ends its series and is no value; other values that are not finite are values.  Metadata and exemplars
are passed over, native histograms skipped and counted.

References
----------
https://prometheus.io/docs/specs/prw/remote_write_spec/ ·
https://github.com/prometheus/prometheus/blob/main/prompb/types.proto
"""

from __future__ import annotations

import struct
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from google.protobuf.unknown_fields import UnknownFieldSet  # type: ignore[import-untyped]

from operators.decode import stamps, unpack
from operators.decode.errors import Undecodable, Unsupported
from operators.decode.names import Fields
from operators.decode.points import Points
from operators.decode.prometheus import SUFFIXES

STALE = struct.pack("<Q", 0x7FF0000000000002)
_NS = 10**6
_Type = descriptor_pb2.FieldDescriptorProto
_MESSAGES: dict[str, tuple[tuple[str, int, Any, str], ...]] = {
    "Label": (("name", 1, _Type.TYPE_STRING, ""), ("value", 2, _Type.TYPE_STRING, "")),
    "Sample": (("value", 1, _Type.TYPE_DOUBLE, ""), ("timestamp", 2, _Type.TYPE_INT64, "")),
    "Ignored": (),
    "TimeSeries": (
        ("labels", 1, _Type.TYPE_MESSAGE, "Label"),
        ("samples", 2, _Type.TYPE_MESSAGE, "Sample"),
        ("exemplars", 3, _Type.TYPE_MESSAGE, "Ignored"),
        ("histograms", 4, _Type.TYPE_MESSAGE, "Ignored"),
    ),
    "WriteRequest": (
        ("timeseries", 1, _Type.TYPE_MESSAGE, "TimeSeries"),
        ("metadata", 3, _Type.TYPE_MESSAGE, "Ignored"),
    ),
}


def _description() -> Any:
    file = descriptor_pb2.FileDescriptorProto(
        name="alluse/remote_write.proto", package="alluse.remote", syntax="proto3"
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, kind, of in fields:
            field = described.field.add(name=name, number=number, type=kind, label=_Type.LABEL_OPTIONAL)
            if of:
                field.type_name, field.label = f".alluse.remote.{of}", _Type.LABEL_REPEATED
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("alluse.remote.WriteRequest"))


WriteRequest = _description()


def parse(body: bytes, limit: int) -> Any:
    """Return the request that a message holds; `limit` is the largest message in bytes.

    Raises
    ------
    Undecodable
        It is no snappy block, or holds something else.
    Unsupported
        It is remote write 2.0.
    """
    request = WriteRequest()
    try:
        request.ParseFromString(unpack.snappy(body, limit))
    except DecodeError:
        raise Undecodable("Remote write: the snappy block holds no write request.") from None
    unknown = {field.field_number for field in UnknownFieldSet(request)}
    if unknown and unknown <= {4, 5}:
        raise Unsupported("Remote write 2.0 is not taken; send 1.0 (prometheus.WriteRequest).")
    if unknown or any(len(UnknownFieldSet(series)) for series in request.timeseries):
        raise Undecodable("Remote write: the snappy block holds no write request.")
    return request


def decode(body: bytes, out: Points, stamp: int) -> None:
    """Read a write request; every sample has its own time."""
    take(parse(body, out.limit), out)


def take(request: Any, out: Points) -> None:
    """Add the samples of a request."""
    for series in request.timeseries:
        fields = _fields([(label.name, label.value) for label in series.labels], out)
        out.skipped += len(series.histograms)
        for sample in series.samples:
            _add(sample, fields["value"], out)


def _add(sample: Any, code: int, out: Points) -> None:
    value: float = sample.value
    if value != value and struct.pack("<d", value) == STALE:
        out.ended.append(code)
    else:
        out.add(code, min(max(sample.timestamp * _NS, stamps.EARLIEST), stamps.LATEST), value)


def _fields(labels: list[tuple[str, str]], out: Points) -> Fields:
    key = ("remote", *labels)
    fields = out.names.known.get(key)
    if fields is None:
        tags = dict(labels)
        name = tags.pop("__name__", "")
        fields = out.names.of(name, tags.items(), name.endswith(SUFFIXES))
        out.names.keep(key, len(fields.key), fields)
    return fields
