import pytest

from protocol import errors
from protocol.codes import Code


def test_every_error_has_its_code() -> None:
    codes = {
        errors.MalformedError("x").code: Code.MALFORMED,
        errors.CameraItemError("n", ("a", "b")).code: Code.MALFORMED,
        errors.ForbiddenError("x").code: Code.FORBIDDEN,
        errors.NotFoundError("x").code: Code.NOT_FOUND,
        errors.InternalError("x").code: Code.INTERNAL,
        errors.RemoteError("x").code: Code.INTERNAL,
    }
    assert all(found is expected for found, expected in codes.items())


def test_the_tree_in_the_docstring_names_every_error() -> None:
    drawn = errors.__doc__ or ""
    for name, member in vars(errors).items():
        if isinstance(member, type) and issubclass(member, errors.ProtocolError):
            assert name in drawn


def test_an_item_error_tells_all_faults() -> None:
    error = errors.CameraItemError("n", ("缺少 road", "缺少 area"))
    assert error.message == str(error) == "缺少 road；缺少 area"


def test_waiting_times_are_carried() -> None:
    assert errors.ForbiddenError("请求过多", retry_after=30).retry_after == 30
    assert errors.RemoteError("x", retry_after=30).retry_after == 30


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("G42", "G42"),
        ("江苏　宁沪", "江苏　宁沪"),
        ("a\0b\n", "a\\u0000b\\u000a"),
        ("\ud800", "\\ud800"),
        ("x" * 40, "x" * 40),
        ("x" * 41, "x" * 40 + "…"),
        (None, "null"),
        (True, "true"),
        ({"名": 1}, '{"名": 1}'),
        (b"x", "\"b'x'\""),
    ],
)
def test_values_as_messages_show_them(value: object, shown: str) -> None:
    assert errors.shorten(value) == shown
