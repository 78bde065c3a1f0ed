"""How granian is started: what the settings say about TLS, and nothing that fails the checks."""

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.core.management.base import SystemCheckError

from console.management.commands.web_server import web_arguments


def arguments() -> list[str]:
    return web_arguments(host="0.0.0.0", port=8443, workers=2)  # noqa: S104


def test_plain_without_a_certificate() -> None:
    assert not [word for word in arguments() if "ssl" in word]
    assert arguments()[-1] == "province.wsgi:application"


def test_tls_1_2_and_later_with_one(settings: LazySettings) -> None:
    settings.TLS_CERT_FILE, settings.TLS_KEY_FILE = "/etc/a.pem", "/etc/a.key"
    line = " ".join(arguments())
    assert "--ssl-certificate /etc/a.pem --ssl-keyfile /etc/a.key --ssl-protocol-min tls1.2" in line


def test_as_many_threads_as_connections() -> None:
    """Requests that wait for their turn hold a thread each, and must leave one for whoever comes next."""
    options = dict(zip(arguments(), arguments()[1:], strict=False))
    assert int(options["--blocking-threads"]) >= int(options["--backpressure"]) >= 500


@pytest.mark.django_db
def test_it_does_not_start_with_settings_that_fail_a_check(settings: LazySettings) -> None:
    settings.IS_DEMO = True
    settings.TLS_CERT_FILE = "/etc/a.pem"
    with pytest.raises(SystemCheckError, match=r"access\.E011"):
        call_command("web_server", skip_checks=False)
