import json

import pytest

from protocol.codes import Code
from protocol.envelope import Answer, envelope, parse_answer, parse_number
from protocol.errors import RemoteError
from tests.protocol.samples import FOLDER, sample, sample_bytes


def test_keys_in_the_documents_order() -> None:
    answer = envelope(Code.OK, body={"snapShots": [], "total": 0})
    assert list(answer) == ["code", "msg", "snapShots", "total", "message"]
    assert answer["message"] == answer["msg"] == "成功"


def test_without_extras_the_documents_keys_only() -> None:
    assert envelope(Code.OK, extras=False) == sample("plain_answer")


def test_the_code_is_a_plain_number() -> None:
    answer = envelope(Code.NOT_FOUND, "摄像机不存在")
    assert type(answer["code"]) is int
    assert json.dumps(answer, ensure_ascii=False) == (
        '{"code": 404, "msg": "摄像机不存在", "message": "摄像机不存在"}'
    )


def test_message_repeats_msg_but_never_replaces_a_key_of_the_document() -> None:
    assert envelope(Code.OK, "成功", {"message": "1"})["message"] == "1"


@pytest.mark.parametrize("code", list(Code))
def test_every_code_has_words(code: Code) -> None:
    assert envelope(code)["msg"]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*_answer.json")))
def test_every_answer_of_the_document_is_understood(name: str) -> None:
    answer = parse_answer(sample_bytes(name))
    assert answer.ok
    assert (answer.code, answer.msg) == (200, "成功")
    assert answer.body == sample(name)


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b'{"code": 200}', 200),
        (b'{"code": "200"}', 200),
        (b'{"code": " 201 "}', 201),
        (b'{"code": 0}', 0),
        (b'{"code": "0"}', 0),
        (b'{"code": 200.0}', 200),
        (b'"0"', 0),
        (b"0", 0),
        (b'\xef\xbb\xbf{"code": 200}', 200),
    ],
)
def test_success_as_gateways_say_it(raw: bytes, code: int) -> None:
    answer = parse_answer(raw)
    assert answer.code == code
    assert answer.ok


@pytest.mark.parametrize("code", [1, 100, 202, 400, 403, 404, 500, -1])
def test_everything_else_is_no_success(code: int) -> None:
    assert not parse_answer(json.dumps({"code": code}).encode()).ok


def test_a_success_inside_an_http_error_is_none() -> None:
    answer = parse_answer(b'{"code": 200}', 502)
    assert not answer.ok
    assert not answer.error().permanent


def test_message_instead_of_msg() -> None:
    assert parse_answer('{"code": 404, "message": "无此设备"}'.encode()).msg == "无此设备"
    assert parse_answer(b'{"code": 404, "msg": {"a": 1}}').msg == ""


UNREADABLE = {
    "empty": b"",
    "html": b"<html><body>502 Bad Gateway</body></html>",
    "no code": b"{}",
    "null code": b'{"code": null}',
    "true": b'{"code": true}',
    "words": b'{"code": "ok"}',
    "fraction": b'{"code": 200.5}',
    "infinite": b'{"code": 1e999}',
    "long string": b'{"code": "%s"}' % (b"9" * 100),
    "list": b"[200]",
    "cut": b'{"code": 200',
    "not utf-8": '{"code": 200, "msg": "成功"}'.encode("gbk"),
    "deep": b"[" * 100_000,
    "lone surrogate": b'{"code": 200, "msg": "\\ud800"}',
}


@pytest.mark.parametrize("raw", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable_answers(raw: bytes) -> None:
    with pytest.raises(RemoteError) as caught:
        parse_answer(raw)
    assert caught.value.remote_code is None
    assert caught.value.http_status == 200
    assert not caught.value.permanent
    caught.value.message.encode()


@pytest.mark.parametrize(
    ("http_status", "is_permanent"),
    [
        (200, False),
        (302, True),
        (404, True),
        (405, True),
        (408, False),
        (429, False),
        (500, False),
        (503, False),
    ],
)
def test_retry_class_of_an_unreadable_answer(http_status: int, is_permanent: bool) -> None:
    with pytest.raises(RemoteError) as caught:
        parse_answer(b"<html>", http_status)
    assert caught.value.permanent is is_permanent
    assert caught.value.http_status == http_status


@pytest.mark.parametrize(
    ("code", "retry_after", "is_permanent"),
    [(400, None, True), (403, None, True), (404, None, True), (500, None, False), (403, 30, False)],
)
def test_retry_class_of_a_refusal(code: int, retry_after: int | None, is_permanent: bool) -> None:
    error = Answer(code, "不行", retry_after=retry_after).error("部平台")
    assert error.permanent is is_permanent
    assert error.remote_code == code
    assert error.retry_after == retry_after
    assert error.message == f"部平台答复 {code}：不行"


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7),
        ("7", 7),
        (" -7 ", -7),
        (7.0, 7),
        (7.5, None),
        ("7.5", None),
        (True, None),
        (None, None),
        ("٧", None),
    ],
)
def test_numbers_and_numeric_strings(value: object, number: int | None) -> None:
    assert parse_number(value) == number


def test_infinite_numbers_are_none() -> None:
    assert parse_number(float("inf")) is None
    assert parse_number(float("nan")) is None


def test_the_comma_that_the_document_prints_before_the_brace_is_forgiven() -> None:
    assert parse_answer(b'{\n  "code": 200,\n  "msg": "\xe6\x88\x90\xe5\x8a\x9f",\n}').ok
    answer = parse_answer(b'{"code": 200, "msg": ",}", "backResult": [{"status": 0,},],}')
    assert (answer.code, answer.body["backResult"]) == (200, [{"status": 0}])
    with pytest.raises(RemoteError):
        parse_answer(b'{"code": 200, "msg": ,}')
