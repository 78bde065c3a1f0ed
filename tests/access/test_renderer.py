"""Answers as JSON bytes."""

import pytest

from access.renderers import to_json


def test_chinese_is_written_as_it_is() -> None:
    assert to_json({"msg": "成功"}) == '{"msg":"成功"}'.encode()


def test_a_lone_surrogate_becomes_a_question_mark() -> None:
    assert to_json({"msg": "a\ud800b"}) == b'{"msg": "a?b"}'


def test_what_cannot_be_written_is_an_error() -> None:
    with pytest.raises(TypeError):
        to_json({"what": object()})
