"""Tricks with path, method and headers: never a page, never a way around a token."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cameras.models import Camera
from tests.cameras.ledger import number, wire
from tests.cast import Caller
from tests.hostile.judge import READS, REPORTS, ask, judge, state, verb_path

pytestmark = pytest.mark.django_db
HOSTILE = settings.get_profile("hostile")

PATHS = [
    *(
        "/service",
        "/service/",
        "/service//",
        "/service/video.",
        "/service/video.%00",
        "/service/%00",
        "/service/.",
    ),
    *("/service/..%2fadmin/", "/service/../service/video.TokenInfo", "/service/video.TokenInfo/../x"),
    *(
        "/service/%2e%2e/admin/",
        "/service/..%5c..%5cetc",
        "/service/video.TokenInfo/",
        "/service/video.TokenInfo%20",
    ),
    *("/service/video.TokenInfo;a=1", "/service/video.TokenInfo%3fx=1", "/service/video.TokenInfo%23"),
    *(
        "/service/VIDEO.TOKENINFO",
        "/service/Video.TokenInfo",
        "/service/video.tokeninfo",
        "/service/video,TokenInfo",
    ),
    *("/service/video.VideoInformation%0a", "/service/video.VideoInformation%0d%0aX-A:1", "/service/%ff%fe"),
    *("/service/%ed%a0%80", "/service/视频", "/service/" + "%E8%A7%86" * 3000, "/service/" + "a" * 60_000),
    *("/service/" + "a/" * 5000, "/service/" + "../" * 500, "/service/video.GetCameraPlayURL/baee05a7"),
    *("/service/http://127.0.0.1/", "/service/video.TokenInfo.json", "/service/<script>alert(1)</script>"),
    *("/service/admin/login/", "/service/%25%30%30", "/service/static/x.js", "/service/robots.txt"),
]
# Outside of /service/: any answer but a broken one.
ELSEWHERE = [
    "//service/video.TokenInfo",
    "/Service/video.TokenInfo",
    "/SERVICE/",
    "/./service/video.TokenInfo",
    "/x/../service/video.TokenInfo",
    "/service\\video.TokenInfo",
    "/%00",
    "//",
]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path[:40])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "OPTIONS", "BREW"])
def test_paths_below_service(ministry: Caller, method: str, path: str) -> None:
    response = ask(method, path, b"[]" if method == "POST" else b"", token=ministry.issued.token)
    if method == "HEAD":
        assert (response.status_code, response.headers["Content-Type"]) == (
            200,
            "application/json; charset=utf-8",
        )
    else:
        assert judge(response, ministry)["code"] in (400, 403, 404)


@pytest.mark.parametrize("path", ELSEWHERE)
def test_paths_that_only_look_like_it_open_nothing(gateway_partner: Caller, path: str) -> None:
    response = ask("POST", path, b"[]", token=gateway_partner.issued.token)
    body = getattr(response, "content", b"")
    assert response.status_code in (301, 302, 400, 403, 404, 405)
    assert b"Traceback" not in body and b"backResult" not in body


@settings(HOSTILE, max_examples=150)
@given(
    path=st.one_of(
        st.binary(max_size=30), st.text(max_size=30).map(lambda text: text.encode("utf-8", "replace"))
    )
)
def test_any_path(ministry: Caller, path: bytes) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in path)
    for prefix in ("/service/", "/service/video."):
        judge(ask("GET", prefix + quoted, token=ministry.issued.token), ministry)


HEADERS: list[dict[str, str]] = [
    {"TAuth": "令牌".encode().decode("latin-1")},
    {"TAuth": "\x7f\x80\xff"},
    {"TAuth": "a" * 65_536},
    {"TAuth": "' OR '1'='1"},
    {"TAuth": "{token}, {token}"},
    {"TAuth": "Bearer {token}"},
    {"TAuth": "{digest}"},
    {"TAuth": "", "Authorization": "{token}"},
    {"TAuth": "", "Authorization": "Basic {token}"},
    {"TAuth": "", "Authorization": "Bearer"},
    {"TAuth": "", "Authorization": "Bearer" + " " * 5000},
    {"TAuth": "", "Authorization": "Bearer\t{token}"},
    {"TAuth": "", "Authorization": "Bearer {token} {token}"},
    {"TAuth": "", "Authorization": "Bearer {token},Bearer {token}"},
    {"TAuth": "", "Authorization": "a" * 65_536},
    {"TAuth": "", "Cookie": "TAuth={token}; sessionid={token}"},
    {"TAuth": "", "X-TAuth": "{token}", "T-Auth": "{token}", "Token": "{token}"},
]


@pytest.mark.parametrize("verb", ["VideoInformation", "GetCameraPlayURL", "PTZControl"])
@pytest.mark.parametrize("headers", HEADERS, ids=lambda headers: str(sorted(headers.items()))[:50])
def test_what_is_no_token_opens_nothing(
    ledger: Caller, ministry: Caller, verb: str, headers: dict[str, str]
) -> None:
    caller = ledger if verb in REPORTS else ministry
    digest = caller.partner.tokens.get().digest
    given = {name: value.format(token=caller.issued.token, digest=digest) for name, value in headers.items()}
    before = state()
    path = verb_path(verb, {"cameraNum": number(1), "action": 1})
    answer = judge(ask(REPORTS.get(verb, "GET"), path, b"[]", headers=given), caller)
    assert answer["code"] == 403
    assert state() == before


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr", "Bearer "])
def test_the_scheme_is_read_in_any_case(ministry: Caller, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {ministry.issued.token}"}
    assert judge(ask("GET", verb_path("GetCameraStatus"), headers=headers), ministry)["code"] == 200


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_is_not_overridden(ledger: Caller, ministry: Caller, name: str) -> None:
    before = state()
    path = verb_path("VideoInformation", {"_method": "POST"})
    for caller in (ledger, ministry):
        answer = judge(ask("GET", path, token=caller.issued.token, headers={name: "POST"}), caller)
        assert answer["code"] == 400
    answer = judge(
        ask(
            "POST",
            verb_path("PTZControl", {"cameraNum": number(1), "action": 1}),
            token=ministry.issued.token,
            headers={name: "GET"},
        )
    )
    assert answer["code"] == 400
    assert state() == before


CONTENT_TYPES = [
    *(
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "multipart/form-data; boundary=" + "x" * 9000,
    ),
    *(
        "application/x-www-form-urlencoded",
        "text/html",
        "application/json; charset=gbk",
        "application/json; charset=x",
    ),
    *("a" * 9000, "/", ";", "application/xml", "image/jpeg", "application/json\x0b"),
]


@pytest.mark.parametrize("content_type", CONTENT_TYPES, ids=lambda text: repr(text[:40]))
def test_the_content_type_changes_nothing_of_the_body(ledger: Caller, content_type: str) -> None:
    """Nothing of ours parses forms: the body is JSON or it is not."""
    path = verb_path("VideoInformation")
    form = b'--x\r\nContent-Disposition: form-data; name="a"; filename="x"\r\n\r\n[]\r\n--x--\r\n'
    bad = judge(ask("POST", path, form, token=ledger.issued.token, content_type=content_type), ledger)
    assert (bad["code"], "不是 JSON" in bad["msg"]) == (400, True)
    good = ask("POST", path, b"[]", token=ledger.issued.token, content_type=content_type)
    assert judge(good, ledger)["code"] == 200


ODD = {
    "Host": ["", "evil.example", "localhost:99999", "[::1", "a" * 9000, "\x80"],
    "AppVersion": ["v2.0", "\x80\xff", "v1.0, v1.0", "a" * 9000, "'"],
    # What is no length at all, or endless, does not pass granian (test_slow_bodies).
    "Content-Length": ["0"],
    "Transfer-Encoding": ["chunked", "CHUNKED, identity", "x"],
    "Expect": ["100-continue", "200-ok"],
    "Accept": ["text/html", "\x80", "a" * 9000],
    "Accept-Language": ["de", "../../x", "\x80"],
    "Origin": ["null", "https://evil.example", "\x80"],
    "Cookie": ["province_session=x", "a" * 9000, "=;=;\x80"],
    "Range": ["bytes=0-1", "x"],
    "X-Forwarded-For": ["127.0.0.1", "' OR 1=1", "a" * 9000, "::ffff:1.2.3.4, \x80"],
    "X-Forwarded-Host": ["evil.example"],
    "Referer": ["\x80", "a" * 9000],
    "User-Agent": ["", "a" * 65_536, "${jndi:ldap://x}"],
    "HX-Request": ["true"],
    "Content-Encoding": ["gzip", "br"],
    "If-None-Match": ["*"],
}


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("verb", ["VideoInformation", "GetCameraStatus", "TokenInfo"])
def test_odd_headers(ledger: Caller, ministry: Caller, verb: str, name: str) -> None:
    caller = ledger if verb in REPORTS else ministry
    query = caller.token_query() if verb == "TokenInfo" else {}
    count = Camera.objects.count()
    for value in ODD[name]:
        response = ask(
            REPORTS.get(verb, "GET"),
            verb_path(verb, query),
            b"[%b" % (b"" if verb in READS else b"]"),
            token=caller.issued.token,
            headers={name: value},
        )
        answer = judge(response, caller)
        assert answer["code"] in (200, 400, 403)
        assert "evil.example" not in answer["msg"]
    assert Camera.objects.count() == count


def test_a_body_sent_with_a_read_is_not_looked_at(ledger: Caller, ministry: Caller) -> None:
    for verb in set(READS) - {"TokenInfo"}:
        path = verb_path(verb, {"cameraNum": number(1), "department": "山东高速", "action": 1})
        plain = judge(ask("GET", path, token=ministry.issued.token))
        with_body = judge(ask("GET", path, b'[{"user":"x"}', token=ministry.issued.token))
        assert list(plain) == list(with_body)
        assert plain["code"] == with_body["code"] == 200


def test_a_token_in_the_query_or_the_body_opens_nothing(ledger: Caller) -> None:
    before = state()
    query = {name: ledger.issued.token for name in ("TAuth", "token", "access_token", "Authorization")}
    answer = judge(ask("POST", verb_path("VideoInformation", query), b"[]"))
    assert answer["code"] == 403
    items = [{**wire(9), "TAuth": ledger.issued.token}]
    assert judge(ask("POST", verb_path("VideoInformation"), str(items).encode()))["code"] == 403
    assert state() == before
