"""Certificate, public address and proxies have to tell one story."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from django.conf import LazySettings

from access.https_checks import check_certificates, check_https, check_proxies
from streaming.checks import check_media_servers
from streaming.models import MediaServer
from tests.access.test_checks import ids
from tests.protocol.certificates import write_certificates

PUBLIC = "https://video.example.cn"


@pytest.fixture(autouse=True)
def production(settings: LazySettings, tmp_path: Path) -> None:
    """In service under HTTPS, with a certificate of its own."""
    made = write_certificates(tmp_path, ends_in_days=90)
    settings.DEBUG = settings.IS_DEMO = False
    settings.TLS_CERT_FILE = settings.MEDIA_TLS_CERT_FILE = str(made.certificate)
    settings.TLS_KEY_FILE = settings.MEDIA_TLS_KEY_FILE = str(made.key)
    settings.PLATFORM_CA_FILE = str(made.ca)
    settings.PUBLIC_BASE_URL = PUBLIC
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 3600


def all_ids() -> list[str | None]:
    return ids(check_certificates, check_proxies, check_https)


def test_good_settings_pass(settings: LazySettings) -> None:
    assert all_ids() == []
    settings.TLS_CERT_FILE = settings.TLS_KEY_FILE = ""
    settings.TRUSTED_PROXIES = ["10.0.0.5", "2001:db8::/64"]
    assert all_ids() == []


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("TLS_KEY_FILE", "", "access.E011"),
        ("MEDIA_TLS_CERT_FILE", "", "access.E011"),
        ("TLS_KEY_FILE", "/nonexistent", "access.E012"),
        ("PLATFORM_CA_FILE", "/nonexistent", "access.E013"),
        ("TRUSTED_PROXIES", ["nginx"], "access.E016"),
        ("TRUSTED_PROXIES", ["0.0.0.0/0"], "access.E017"),
        ("TRUSTED_PROXIES", ["::/0"], "access.E017"),
        ("PUBLIC_BASE_URL", "http://video.example.cn", "access.E019"),
        ("SESSION_COOKIE_SECURE", False, "access.E020"),
        ("SECURE_HSTS_SECONDS", 0, "access.W013"),
    ],
)
def test_what_does_not_fit_is_named(settings: LazySettings, name: str, value: object, found: str) -> None:
    setattr(settings, name, value)
    assert found in all_ids()


def test_https_needs_somebody_who_speaks_it(settings: LazySettings) -> None:
    settings.TLS_CERT_FILE = settings.TLS_KEY_FILE = ""
    assert all_ids() == ["access.E018"]


def test_plain_http_is_for_trials(settings: LazySettings) -> None:
    settings.TLS_CERT_FILE = settings.TLS_KEY_FILE = ""
    settings.PUBLIC_BASE_URL = "http://video.example.cn"
    assert all_ids() == ["access.W012", "access.W014"]
    settings.SECURE_HSTS_SECONDS = 0
    for is_demo, url in ((True, settings.PUBLIC_BASE_URL), (False, "http://127.0.0.1:8000")):
        settings.IS_DEMO, settings.PUBLIC_BASE_URL = is_demo, url
        assert all_ids() == []


@pytest.mark.parametrize(("days", "found"), [(-1, "access.E015"), (10, "access.W011")])
def test_the_end_of_a_certificate_is_told(
    settings: LazySettings, tmp_path: Path, days: int, found: str
) -> None:
    made = write_certificates(tmp_path / "other", starts_in_days=-9, ends_in_days=days)
    settings.TLS_CERT_FILE, settings.TLS_KEY_FILE = str(made.certificate), str(made.key)
    assert all_ids() == [found]


def test_granian_needs_another_form_of_key(settings: LazySettings) -> None:
    file = Path(settings.TLS_KEY_FILE)
    key = serialization.load_pem_private_key(file.read_bytes(), None)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
    )
    assert all_ids() == ["access.E014"]


@pytest.mark.django_db
def test_a_page_of_https_plays_nothing_over_http() -> None:
    facts = {"kind": "embedded", "rtmp_url": "rtmp://a", "secret": "s"}
    MediaServer.objects.create(name="a", http_url="https://a", **facts)
    MediaServer.objects.create(name="off", http_url="http://b", is_active=False, **facts)
    assert check_media_servers(None, databases=["default"]) == []
    MediaServer.objects.filter(name="off").update(is_active=True)
    assert [found.id for found in check_media_servers(None, databases=["default"])] == ["streaming.W001"]
    assert check_media_servers(None) == []
