import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streaming.embedded import amf

CONNECT = (
    b"\x02\x00\x07connect\x00\x3f\xf0\x00\x00\x00\x00\x00\x00"
    b"\x03\x00\x03app\x02\x00\x04live\x00\x05fpad?\x01\x00\x00\x00\x09"
)


def test_reads_a_command_as_it_is_on_the_wire() -> None:
    assert amf.decode(CONNECT) == ["connect", 1.0, {"app": "live", "fpad?": False}]


def test_writes_what_it_reads() -> None:
    values: list[amf.AmfValue] = ["_result", 4.0, None, True, {"a": 1.0, "b": {"c": "路段"}}, [1.0, "x"]]
    assert amf.decode(amf.encode(*values)) == values


def test_reads_metadata_in_an_ecma_array() -> None:
    assert amf.decode(amf.encode_ecma({"width": 352.0, "hasAudio": False})) == [
        {"width": 352.0, "hasAudio": False}
    ]


def test_an_object_without_end_mark_is_read_to_the_end() -> None:
    assert amf.decode(b"\x03\x00\x01a\x05") == [{"a": None}]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01",
        b"\x02\x00\x05abc",
        b"\x11",
        b"\x03\x00\x01a" * 20 + b"\x05",
        b"\x0a\x00\x00\x00\x01" * 30 + b"\x05",
        b"\x05" * 1001,
        b"\x0a\xff\xff\xff\xff\x05",
    ],
)
def test_refuses_what_is_cut_deep_or_unknown(data: bytes) -> None:
    with pytest.raises(amf.AmfError):
        amf.decode(data)


def test_a_number_that_is_none_becomes_zero() -> None:
    assert amf.decode(b"\x00" + struct.pack(">d", float("nan"))) == [0.0]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(amf.AmfError):
        amf.decode(data)
