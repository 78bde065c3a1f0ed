"""Hostile values, as JSON text and as bytes: what JSON libraries of other people write, and what nobody should."""

import json
from functools import cache
from typing import Final

from hypothesis import strategies as st

# JSON text rather than Python values: most of these have no Python value.
LITERALS: Final = (
    *("null", "true", "false", "0", "-0", "1", "-1", "2", "3", "9", "1.0", "1.5", "1e0", "1E2", "-1e-999"),
    *("1e999", "-1e999", "1e308", "1" + "0" * 400, "-1" + "0" * 400, "9" * 5000, "0." + "1" * 5000),
    *("9223372036854775807", "9223372036854775808", "18446744073709551616", "4294967296"),
    *("NaN", "Infinity", "-Infinity", "nan", "undefined", "01", "+1", ".5", "1.", "0x10", "'a'", "None"),
    *(
        '""',
        '" "',
        '"\\u0000"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"\\udc00\\ud800"',
        '"\\ud83d\\ude00"',
        '"\\uFEFF"',
    ),
    *(
        '"\\u202e\\u2066"',
        '"\\u007f\\u0085\\u2028"',
        '"\\r\\n\\t"',
        '"\\"',
        '"\\x41"',
        '"\\u12"',
        '"\x00"',
        '"\x1f"',
    ),
    *(
        '"1"',
        '"-1"',
        '"0 "',
        '"１"',
        '"٣"',
        '"1e3"',
        '"NaN"',
        '"true"',
        '"上行"',
        '"000000000"',
        '"2000000000"',
    ),
    *(
        '"\' OR 1=1 --"',
        '"%s%n{0}{0.__class__}"',
        '"<script>alert(1)</script>"',
        '"=1+1"',
        '"../../etc/passwd"',
    ),
    *(
        '"{}"',
        '"[]"',
        '"{\\"event\\":1}"',
        '"' + "甲" * 5000 + '"',
        '"' + "a" * 70_000 + '"',
        '"' + "\\\\" * 999 + '"',
    ),
    *("[]", "{}", "[[]]", "[" * 18 + "]" * 18, "[" * 25 + "]" * 25, '{"a":' * 18 + "1" + "}" * 18),
    *('{"cameraNum":"1"}', '{"a":1,"a":2}', '{"":{"":{}}}', '{"__proto__":{}}'),
)


@cache
def any_json() -> st.SearchStrategy[str]:
    """JSON text, or nearly."""
    plain = st.one_of(
        st.sampled_from(LITERALS),
        st.text(max_size=30).map(json.dumps),
        st.text(max_size=30).map(lambda text: json.dumps(text, ensure_ascii=False)),
        st.integers().map(str),
        st.floats().map(repr),
    )
    return st.recursive(
        plain,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: f"[{','.join(parts)}]"),
            st.lists(st.tuples(st.sampled_from(["a", "b", "", "cameraNum"]), inner), max_size=3).map(
                lambda pairs: "{" + ",".join(f'"{name}":{value}' for name, value in pairs) + "}"
            ),
        ),
        max_leaves=6,
    )


def objects(good: dict[str, object], others: tuple[str, ...] = ()) -> st.SearchStrategy[str]:
    """An object of `good` with some of its fields left out, repeated or turned into something hostile."""
    fields = [*good, "message", *others]
    written = {name: json.dumps(value, ensure_ascii=False) for name, value in good.items()}
    change = st.tuples(
        st.sampled_from(fields), st.sampled_from(["drop", "turn", "turn", "again"]), any_json()
    )

    def build(changes: list[tuple[str, str, str]]) -> str:
        pairs = list(written.items())
        for name, how, value in changes:
            if how != "again":
                pairs = [pair for pair in pairs if pair[0] != name]
            if how != "drop":
                pairs.append((name, value))
        return "{" + ",".join(f'"{name}":{value}' for name, value in pairs) + "}"

    return st.lists(change, max_size=3).map(build)


def spoiled(text: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """The text as bytes that something happened to on the way."""

    def spoil(given: tuple[str, str, int, bytes]) -> bytes:
        written, how, at, junk = given
        if how in ("gb18030", "utf-16", "utf-16-be", "utf-32", "utf-8-sig", "latin-1"):
            return written.encode(how, "replace")
        body = written.encode("utf-8", "surrogatepass")
        at %= len(body) + 1
        match how:
            case "cut":
                return body[:at]
            case "splice":
                return body[:at] + junk + body[at:]
            case "over":
                return body[:at] + junk + body[at + len(junk) :]
            case "twice":
                return body + body
            case "blanks":
                return b"\r\n\t " * 3 + body + b" \n"
        return body

    ways = ["cut", "splice", "over", "twice", "blanks", "utf-8-sig", "gb18030", "utf-16", "utf-32", "latin-1"]
    junk = st.one_of(
        st.binary(min_size=1, max_size=4),
        st.sampled_from(
            [b"\0", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf5\x80\x80\x80", b",", b"]", b'"', b"//x\n"]
        ),
    )
    return st.tuples(text, st.sampled_from(ways), st.integers(0, 2000), junk).map(spoil)


# A value of a query, as bytes that will be percent-encoded.
QUERY_WORDS: Final = (
    *(b"", b" ", b"+", b"%", b"%2", b"\0", b"a\0b", b"\xff\xfe", b"\xed\xa0\x80", "济南".encode("gb18030")),
    *(
        b"0",
        b"1",
        b"-1",
        b"+1",
        b"2",
        b"14",
        b"15",
        b"1.0",
        b"1e3",
        b"NaN",
        b"9" * 400,
        "１".encode(),
        "٣".encode(),
    ),
    *(b"1542607260", b"1542607260000", b"253402300800", b"99999999999999999999", b"-1542607260", b"0x10"),
    *(
        b"500",
        b"501",
        b"0500",
        b"1_000",
        b"' OR '1'='1",
        b"%",
        b"_",
        b"\\",
        b"../../x",
        b"\r\nX-A: 1",
        b"a" * 9000,
    ),
    *(
        "山东高速".encode(),
        " 山东高速\t".encode(),
        "山东高速'\"<>&".encode(),
        "\u202e\U0001f600\ufeff".encode(),
    ),
)


@cache
def query_value() -> st.SearchStrategy[bytes]:
    return st.one_of(st.sampled_from(QUERY_WORDS), st.binary(max_size=20), st.text(max_size=20).map(_wtf8))


def _wtf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
