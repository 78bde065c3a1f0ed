"""FLV: the tags a publisher sends inside RTMP and a viewer gets over HTTP (FLV file format 10.1, annex E)."""

from typing import NamedTuple

from streaming.embedded import amf

AUDIO, VIDEO, SCRIPT = 8, 9, 18
KEY_FRAME = 1
CODEC_H264 = 7
FORMAT_AAC = 10

_VIDEO_CODECS = {
    2: "H263",
    3: "SCREEN",
    4: "VP6",
    5: "VP6A",
    6: "SCREEN2",
    7: "H264",
    8: "REALH263",
    9: "MPEG4",
    12: "H265",
    13: "AV1",
    14: "H266",
}
_FOURCC_CODECS = {
    b"avc1": "H264",
    b"hvc1": "H265",
    b"hev1": "H265",
    b"vvc1": "H266",
    b"av01": "AV1",
    b"vp08": "VP8",
    b"vp09": "VP9",
}


class Tag(NamedTuple):
    """`at` is milliseconds on the stream's own clock: monotone over restarts, never wrapped."""

    kind: int
    at: int
    payload: bytes
    is_key: bool = False
    is_config: bool = False


def video_codec(payload: bytes) -> str:
    """Name of the codec of one RTMP video message. The enhanced form puts a FourCC behind bit 7."""
    if payload[0] & 0x80:
        return _FOURCC_CODECS.get(payload[1:5], "FOURCC " + payload[1:5].hex())
    number = payload[0] & 15
    return _VIDEO_CODECS.get(number, f"CODEC {number}")


def plain_h264(payload: bytes) -> bytes:
    """H.264 in the enhanced form (FourCC) rewritten to the form every player reads; else unchanged."""
    if not payload[0] & 0x80 or payload[1:5] != b"avc1":
        return payload
    first = payload[0] & 0x70 | CODEC_H264
    packet = payload[0] & 15
    if packet == 1:
        return bytes((first, 1)) + payload[5:]
    # Packet type 3 is a picture without composition time.
    kind = 1 if packet == 3 else packet
    return bytes((first, kind, 0, 0, 0)) + payload[5:]


def composition_ms(payload: bytes) -> int:
    """Presentation minus decoding time of an H.264 tag: signed 24 bits."""
    value = int.from_bytes(payload[2:5], "big")
    return value - (1 << 24) if value & 0x800000 else value


def file_header(*, has_audio: bool) -> bytes:
    # A header that claims audio which never comes makes players wait for it.
    return b"FLV\x01" + (b"\x05" if has_audio else b"\x01") + b"\x00\x00\x00\x09\x00\x00\x00\x00"


def add_tag(parts: list[bytes], kind: int, at: int, payload: bytes) -> None:
    """Append header, payload and trailer; `at` wraps at 32 bits as the format has it."""
    size = len(payload)
    at &= 0xFFFFFFFF
    stamp = (at & 0xFFFFFF) << 8 | at >> 24
    parts.append(((kind << 24 | size) << 56 | stamp << 24).to_bytes(11, "big"))
    parts.append(payload)
    parts.append((size + 11).to_bytes(4, "big"))


def metadata(*, width: int, height: int, fps: float, has_audio: bool) -> bytes:
    """onMetaData of our own: what the publisher's says about audio may be false."""
    facts: dict[str, amf.AmfValue] = {
        "hasVideo": True,
        "hasAudio": has_audio,
        "width": float(width),
        "height": float(height),
        "videocodecid": float(CODEC_H264),
    }
    if fps:
        facts["framerate"] = fps
    if has_audio:
        facts["audiocodecid"] = float(FORMAT_AAC)
    return amf.encode("onMetaData") + amf.encode_ecma(facts)
