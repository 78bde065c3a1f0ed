"""Whose address is logged, limited and told in HTTPS, with and without a proxy in front."""


import pytest
from django.conf import LazySettings
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from access.actors import address_of
from access.models import BehaviourLog, User
from access.proxies import TrustedProxyMiddleware
from tests.cast import Caller, answer_of

PROXY, CLIENT, OTHER = "10.0.0.5", "192.0.2.7", "192.0.2.8"


@pytest.fixture(autouse=True)
def proxy(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [PROXY]


def seen(peer: str, **headers: str) -> tuple[str | None, bool]:
    """Address and security of a request as everything behind the middleware sees them."""
    found: list[tuple[str | None, bool]] = []

    def look(request: HttpRequest) -> HttpResponse:
        assert "X-Forwarded-For" not in request.headers
        found.append((address_of(request), request.is_secure()))
        return HttpResponse()

    given = {name.replace("_", "-"): value for name, value in headers.items()}
    TrustedProxyMiddleware(look)(RequestFactory().get("/", headers=given, REMOTE_ADDR=peer))
    return found[0]


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        (PROXY, {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "https"}, (CLIENT, True)),
        (PROXY, {"X_Forwarded_For": f"127.0.0.1, {CLIENT}", "X_Forwarded_Proto": "http"}, (CLIENT, False)),
        (PROXY, {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "http, HTTPS"}, (CLIENT, True)),
        (PROXY, {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "gopher"}, (CLIENT, False)),
        (PROXY, {}, (PROXY, False)),
        (CLIENT, {"X_Forwarded_For": OTHER, "X_Forwarded_Proto": "https"}, (CLIENT, False)),
        (f"::ffff:{PROXY}", {"X_Forwarded_For": CLIENT, "X_Forwarded_Proto": "https"}, (CLIENT, True)),
        (f"::ffff:{CLIENT}", {}, (CLIENT, False)),
        ("", {"X_Forwarded_For": CLIENT}, (None, False)),
    ],
)
def test_only_our_proxy_is_believed(
    peer: str, headers: dict[str, str], expected: tuple[str | None, bool]
) -> None:
    assert seen(peer, **headers) == expected


def test_without_proxies_nobody_is_believed(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = []
    assert seen(PROXY, X_Forwarded_For=CLIENT, X_Forwarded_Proto="https") == (PROXY, False)


def test_a_proxy_may_have_headers_of_its_own(settings: LazySettings) -> None:
    settings.FORWARDED_FOR_HEADER, settings.FORWARDED_PROTO_HEADER = "RealAddress", "RealScheme"
    headers = {"RealAddress": CLIENT, "RealScheme": "https"}
    assert seen(PROXY, **headers) == (CLIENT, True)


def sign_in(password: str, peer: str, forwarded_for: str) -> int:
    return (
        Client()
        .post(
            "/login/",
            {"username": "wang", "password": password},
            REMOTE_ADDR=peer,
            headers={"X-Forwarded-For": forwarded_for},
        )
        .status_code
    )


def test_the_log_and_the_lock_are_about_the_client(operator: User) -> None:
    for _ in range(5):
        assert sign_in("wrong", PROXY, CLIENT) == 200
    assert sign_in("wrong", PROXY, CLIENT) == 429
    # The proxy is the same for everybody, and nobody else is locked out.
    assert sign_in("wrong", PROXY, OTHER) == 200
    addresses = BehaviourLog.objects.filter(verb="登录").values_list("address", flat=True)
    assert set(addresses) == {CLIENT, OTHER}


def test_a_stranger_cannot_change_its_address_to_try_again(operator: User) -> None:
    for number in range(5):
        assert sign_in("wrong", CLIENT, f"198.51.100.{number}") == 200
    assert sign_in("wrong", CLIENT, "198.51.100.99") == 429
    assert set(BehaviourLog.objects.filter(verb="登录").values_list("address", flat=True)) == {CLIENT}


def test_failed_exchanges_are_counted_by_the_clients_address(
    ministry: Caller, settings: LazySettings
) -> None:
    settings.TOKEN_FAILURES_PER_MINUTE = 1
    bad = {**ministry.token_query(), "sign": "00"}

    def refusal(forwarded_for: str) -> str:
        settings.TRUSTED_PROXIES = ["127.0.0.1"]
        response = ministry.request("GET", "TokenInfo", bad, headers={"X-Forwarded-For": forwarded_for})
        return str(answer_of(response)["msg"])

    assert refusal(CLIENT) == "签名 sign 验证失败"
    assert refusal(CLIENT) == "失败次数过多，请稍后再试"
    assert refusal(OTHER) == "签名 sign 验证失败"


@pytest.mark.django_db
def test_hsts_is_told_over_https_only(settings: LazySettings) -> None:
    settings.SECURE_HSTS_SECONDS = 3600
    direct = Client().get("/login/", secure=True)
    assert direct.headers["Strict-Transport-Security"] == "max-age=3600"
    behind = {"X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
    for peer, is_told in ((PROXY, True), (CLIENT, False)):
        response = Client().get("/login/", REMOTE_ADDR=peer, headers=behind)
        assert ("Strict-Transport-Security" in response.headers) is is_told


def test_cookies_travel_over_https_only(operator: User, settings: LazySettings) -> None:
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    client = Client(enforce_csrf_checks=True)
    headers = {"Host": "testserver", "X-Forwarded-For": CLIENT, "X-Forwarded-Proto": "https"}
    page = client.get("/login/", REMOTE_ADDR=PROXY, headers=headers)
    form = {"username": "wang", "password": "Gaosu-2026-yun", "csrfmiddlewaretoken": csrf_of(page)}
    # The browser's page came over HTTPS, whatever the proxy speaks to us.
    headers |= {"Origin": "https://testserver"}
    response = client.post("/login/", form, REMOTE_ADDR=PROXY, headers=headers)
    assert response.status_code == 302
    assert all(cookie["secure"] for cookie in client.cookies.values())
    assert len(client.cookies) == 2


def csrf_of(page: object) -> str:
    text = getattr(page, "content", b"").decode()
    return str(text.partition('name="csrfmiddlewaretoken" value="')[2].partition('"')[0])


def test_allowed_networks_are_about_the_client(ministry: Caller, settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = ["127.0.0.1"]
    ministry.partner.allowed_networks = [f"{CLIENT}/32"]
    ministry.partner.save()

    def code(forwarded_for: str) -> int:
        params = {"cameraNum": "3f2b8c1e-6a57-4d0e-9b1a-0c5d7e9f1a01"}
        headers = {"X-Forwarded-For": forwarded_for}
        return int(answer_of(ministry.request("GET", "GetCameraPlayURL", params, headers=headers))["code"])

    # Let in, and told that there is no such camera.
    assert code(CLIENT) == 404
    assert code(OTHER) == 403
    # The client's own words before those of the proxy.
    assert code(f"{CLIENT}, {OTHER}") == 403
