"""Certificates of gateways that will end: renewed in time, nothing goes dark."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from access.choices import Severity
from access.services.alarms import close_alarm, raise_alarm
from cameras.models import Gateway

# A renewal by hand takes its time.
WARNING_DAYS: Final = 30
CRITICAL_DAYS: Final = 7


def warn_of_certificates() -> int:
    """An alarm for each certificate that ends soon, until a later one was shown; how many there are."""
    now = timezone.now()
    found = 0
    for gateway in Gateway.objects.filter(is_active=True).select_related("partner__organisation"):
        key, until = f"gateway-certificate-{gateway.pk}", gateway.certificate_until
        is_due = until is not None and until - now < timedelta(days=WARNING_DAYS)
        if until is None or not is_due or not gateway.base_url.startswith("https:"):
            close_alarm(key=key)
            continue
        found += 1
        days = (until - now).days
        raise_alarm(
            key=key,
            title=f"网关 {gateway} 的证书{'已过期' if days < 0 else f' {days} 天后到期'}",
            message="到期后平台不再向它下发指令，视频推不上来；请在网关上换用新证书，不必重启",
            severity=Severity.CRITICAL if days < CRITICAL_DAYS else Severity.WARNING,
            organisation=gateway.partner.organisation,
        )
    return found
