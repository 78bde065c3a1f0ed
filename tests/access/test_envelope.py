"""Every answer of /service/ is the envelope (protocol.md section 2)."""

import re

import pytest
from django.conf import LazySettings
from django.test import Client

from access.choices import HttpStatusStyle
from tests.cast import Caller, answer_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.access.urls")]

ERROR_ID = re.compile(r"（错误编号 ([0-9a-f]{8})）$")


def test_document_keys_first_then_message(ministry: Caller) -> None:
    response = ministry.request("GET", "GetCameraPlayURL")
    answer = answer_of(response)
    assert list(answer) == ["code", "msg", "videoRequestUrl", "videoType", "message"]
    assert answer["message"] == answer["msg"] == "成功"
    assert response.status_code == 200


def test_without_extras_only_the_keys_of_the_document(ministry: Caller) -> None:
    ministry.partner.has_extras = False
    ministry.partner.save()
    assert list(ministry.get("PTZControl")) == ["code", "msg"]
    assert list(ministry.get("PTZControl", user="another")) == ["code", "msg"]


@pytest.mark.parametrize(
    ("verb", "params", "code", "words"),
    [
        ("GetCameraPlayURL", {"videoType": "2"}, 400, "参数 videoType 应为 0 至 1 的整数，收到 2"),
        ("GetCameraPlayURL", {"videoType": "一"}, 400, "参数 videoType 应为 0 至 1 的整数，收到 一"),
        ("GetCameraPlayURL", {"videoType": ["0", "1"]}, 400, "参数 videoType 重复"),
        ("GetCameraPlayURL", {"videotype": "0", "VIDEOTYPE": "1"}, 400, "参数 videoType 重复"),
        ("GetCameraPlayURL", {"videoType": "0\0"}, 400, "参数 videoType 含有空字符"),
        ("GetCameraPlayURL", {"videoType": b"\xff"}, 400, "参数 videoType 不是 UTF-8 编码"),
        ("GetCameraPlayURL", {"user": "另一平台"}, 403, "user 与令牌不符"),
        ("NoScope", {}, 403, "接口未授权"),
        ("VideoInformation", {}, 403, "接口未授权"),
        ("Unknown", {}, 404, "没有接口 video.Unknown"),
        ("Failure", {"how": "missing"}, 404, "不存在"),
        ("Failure", {"how": "denied"}, 403, "权限出错"),
        ("Failure", {"how": "suspicious"}, 400, "请求格式错误"),
    ],
)
@pytest.mark.parametrize("style", HttpStatusStyle)
def test_codes_and_words(
    ministry: Caller, style: HttpStatusStyle, verb: str, params: dict[str, object], code: int, words: str
) -> None:
    ministry.partner.status_style = style
    ministry.partner.save()
    method = "POST" if verb == "VideoInformation" else "GET"
    response = ministry.request(method, verb, params)
    answer = answer_of(response)
    assert (answer["code"], answer["msg"]) == (code, words)
    assert response.status_code == (code if style == HttpStatusStyle.MIRROR else 200)


def test_names_in_any_case_unknown_and_empty_ones(ministry: Caller) -> None:
    answer = ministry.get("GetCameraPlayURL", VideoTYPE="1", _="1700000000", channel_id="")
    assert (answer["code"], answer["videoType"]) == (200, 1)
    assert ministry.get("GetCameraPlayURL", videoType="", user="")["videoType"] == 0
    # A repeated name that nobody reads is ignored like any other unknown one.
    assert ministry.get("GetCameraPlayURL", _=["1", "2"])["code"] == 200


@pytest.mark.parametrize(
    ("version", "code"), [("", 200), ("v1.0", 200), ("v2.0", 400), ("1.0", 400), ("V1.0", 400)]
)
def test_app_version(ministry: Caller, version: str, code: int) -> None:
    response = ministry.request("GET", "GetCameraPlayURL", headers={"AppVersion": version})
    assert answer_of(response)["code"] == code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
@pytest.mark.parametrize("token", [None, "unknown"])
def test_wrong_method_is_told_whoever_asks(ministry: Caller, method: str, token: str | None) -> None:
    answer = answer_of(ministry.request(method, "GetCameraPlayURL", token=token))
    assert (answer["code"], answer["msg"]) == (400, f"不支持 {method} 方法，应为 GET")


@pytest.mark.parametrize("accept", ["text/html", "image/png", "", "application/xml;q=0.9"])
def test_json_whatever_is_accepted(ministry: Caller, accept: str) -> None:
    response = ministry.request("GET", "GetCameraPlayURL", {"format": "html"}, headers={"Accept": accept})
    assert answer_of(response)["code"] == 200


def test_too_many_parameters(ministry: Caller) -> None:
    answer = ministry.get("GetCameraPlayURL", **{f"a{n}": n for n in range(200)})
    assert (answer["code"], answer["msg"]) == (400, "参数过多：最多 200 个")


def test_wrong_method_is_mirrored(ministry: Caller) -> None:
    ministry.partner.status_style = HttpStatusStyle.MIRROR
    ministry.partner.save()
    assert ministry.request("POST", "GetCameraPlayURL").status_code == 400


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"TAuth": ""}, "缺少令牌"),
        ({"TAuth": "unknown"}, "令牌无效"),
        ({"TAuth": "令牌".encode().decode("latin-1")}, "令牌无效"),
        ({"TAuth": "", "Authorization": "Bearer "}, "缺少令牌"),
        ({"TAuth": "", "Authorization": "Bearer unknown"}, "令牌无效"),
        ({"TAuth": "", "Authorization": "Basic dXNlcjpwYXNz"}, "缺少令牌"),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_token(
    ministry: Caller, headers: dict[str, str], words: str
) -> None:
    response = ministry.request("GET", "GetCameraPlayURL", headers=headers)
    answer = answer_of(response)
    assert (response.status_code, answer["code"], answer["msg"]) == (200, 403, words)


def test_bearer_is_understood_like_tauth(ministry: Caller) -> None:
    headers = {"TAuth": "", "Authorization": f"bearer {ministry.issued.token}"}
    assert answer_of(ministry.request("GET", "GetCameraPlayURL", headers=headers))["code"] == 200


def test_content_type_matters_only_to_strict_partners(gateway_partner: Caller) -> None:
    def code(content_type: str) -> int:
        response = Client().post(
            "/service/video.VideoInformation",
            data=b"[]",
            content_type=content_type,
            headers={"TAuth": gateway_partner.issued.token},
        )
        return answer_of(response)["code"]  # type: ignore[no-any-return]

    assert [code("text/plain"), code("application/json"), code("application/json; charset=GBK")] == [201] * 3
    gateway_partner.partner.is_strict = True
    gateway_partner.partner.save()
    assert [code("text/plain"), code("application/json"), code("Application/JSON;charset=utf-8")] == [
        400,
        201,
        201,
    ]


def test_token_info_mirrors_once_the_token_is_known(ministry: Caller) -> None:
    ministry.partner.status_style = HttpStatusStyle.MIRROR
    ministry.partner.save()
    good = ministry.token_query()
    tried = [good, {**good, "sign": "00"}, {**good, "token": "unknown"}, {**good, "user": ""}]
    responses = [ministry.request("GET", "TokenInfo", query) for query in tried]
    assert [answer_of(response)["code"] for response in responses] == [200, 403, 403, 400]
    assert [response.status_code for response in responses] == [200, 403, 200, 200]


def test_201_stays_http_200_for_mirror(gateway_partner: Caller) -> None:
    gateway_partner.partner.status_style = HttpStatusStyle.MIRROR
    gateway_partner.partner.save()
    response = gateway_partner.request("POST", "VideoInformation", body=[])
    assert (response.status_code, answer_of(response)["code"]) == (200, 201)


@pytest.mark.parametrize("how", ["bug", "unwritable", "remote"])
def test_what_breaks_inside_is_an_id_that_the_log_explains(
    ministry: Caller, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    answer = ministry.get("Failure", how=how)
    assert answer["code"] == 500
    found = ERROR_ID.search(answer["msg"])
    assert found is not None
    assert "secret inner detail" not in answer["msg"]
    assert ("网关无应答" in answer["msg"]) == (how == "remote")
    logged = [entry for entry in caplog.records if found[1] in entry.getMessage()]
    assert len(logged) == 1
    assert logged[0].exc_info is not None
    assert ministry.issued.token not in caplog.text


def test_too_many_requests_say_when_to_come_back(ministry: Caller) -> None:
    response = ministry.request("GET", "Failure", {"how": "busy"})
    assert answer_of(response)["code"] == 403
    assert response.headers["Retry-After"] == "7"


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/service", 404),
        ("/service/", 404),
        ("/service/video.GetCameraPlayURL/", 404),
        ("/service/%ff%00", 404),
        ("/service/error", 500),
        ("/service/html?status=200", 500),
        ("/service/html?status=302", 404),
        ("/service/html?status=403", 403),
        ("/service/html?status=404", 404),
        ("/service/html?status=405", 400),
        ("/service/html?status=500", 500),
        ("/service/video.TokenInfo", 400),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_never_a_page(settings: LazySettings, debug: bool, path: str, code: int, method: str) -> None:
    settings.DEBUG = debug
    client = Client(raise_request_exception=False, enforce_csrf_checks=True, headers={"Accept": "text/html"})
    response = client.generic(method, path)
    assert (response.status_code, answer_of(response)["code"]) == (200, code)
    assert b"secret inner detail" not in response.content


@pytest.mark.parametrize("debug", [False, True])
def test_a_bad_host_is_told_in_the_envelope(settings: LazySettings, debug: bool) -> None:
    settings.DEBUG, settings.ALLOWED_HOSTS = debug, ["video.example.cn"]
    response = Client(headers={"Host": "evil.example"}).get("/service/video.TokenInfo")
    assert answer_of(response)["code"] == 400


def test_a_body_over_the_limit_is_refused(gateway_partner: Caller, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 2**20
    assert gateway_partner.post("VideoInformation", b" " * 2**20)["code"] == 201
    answer = gateway_partner.post("VideoInformation", b" " * (2**20 + 1))
    assert (answer["code"], answer["msg"]) == (400, "请求体超过 1 MiB")


def test_pages_keep_their_own_errors_and_a_policy() -> None:
    response = Client(raise_request_exception=False).get("/page/error")
    assert (response.status_code, response.headers["Content-Type"]) == (500, "text/html; charset=utf-8")
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_only_pages_have_a_session(ministry: Caller) -> None:
    answer = ministry.request("GET", "GetCameraStatus")
    assert not hasattr(answer.wsgi_request, "session")  # type: ignore[attr-defined]
    assert hasattr(Client().get("/console/nowhere").wsgi_request, "session")


def test_no_origin_may_read_service_until_configured(ministry: Caller) -> None:
    response = ministry.request("GET", "GetCameraPlayURL", headers={"Origin": "https://player.example.cn"})
    assert not [name for name in response.headers if name.startswith("Access-Control")]


def test_configured_origins_may_read_service(ministry: Caller, settings: LazySettings) -> None:
    settings.SERVICE_CORS_ORIGINS = ["https://player.example.cn"]
    for method in ("GET", "OPTIONS"):
        response = ministry.request(
            method, "GetCameraPlayURL", headers={"Origin": "https://player.example.cn"}
        )
        assert response.headers["Access-Control-Allow-Origin"] == "https://player.example.cn"
        assert "TAuth" in response.headers["Access-Control-Allow-Headers"]
        assert "Access-Control-Allow-Credentials" not in response.headers
    other = ministry.request("GET", "GetCameraPlayURL", headers={"Origin": "https://other.example.cn"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert other.headers["Vary"] == "Origin"
