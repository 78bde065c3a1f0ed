"""Claims: which deliveries are in a request just now, so that no camera is in two at once.

A claim is a lease. It outlives everything a request can take, so whoever finds it over may send: its holder is dead.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

from ministry.models import AnalysisDelivery, CameraDelivery, UpperPlatform

Deliveries = type[CameraDelivery] | type[AnalysisDelivery]

# A call is a request, an exchange of the token, and the request again.
REQUESTS_A_CALL: Final = 3
_MARGIN_SECONDS: Final = 5.0

_CLAIM: Final = """
UPDATE {table} SET claimed_until = %(until)s WHERE id IN (
    SELECT id FROM {table}
    WHERE id = ANY(%(keys)s) AND (claimed_until IS NULL OR claimed_until <= %(now)s)
    ORDER BY id FOR UPDATE SKIP LOCKED
) RETURNING id
"""
_RELEASE: Final = "UPDATE {table} SET claimed_until = %s WHERE id = ANY(%s) AND claimed_until = %s"
_KNOW: Final = """
INSERT INTO ministry_cameradelivery (platform_id, camera_id, version, is_in_doubt, department, reset_at)
SELECT %(platform)s, c.id, 0, FALSE, '', %(now)s
FROM cameras_camera c JOIN access_organisation o ON o.id = c.organisation_id
WHERE c.deleted_at IS NULL AND NOT c.is_pending AND starts_with(o.path, %(path)s) AND NOT EXISTS (
    SELECT FROM ministry_cameradelivery d WHERE d.platform_id = %(platform)s AND d.camera_id = c.id
)
ORDER BY c.id ON CONFLICT DO NOTHING
"""


def lease_seconds() -> float:
    return _call_seconds() + _MARGIN_SECONDS


def _call_seconds() -> float:
    return REQUESTS_A_CALL * float(settings.MINISTRY_READ_SECONDS)


@dataclass(frozen=True, slots=True)
class Claim:
    """Deliveries that are ours until `until`; that time also tells our claim from a later one."""

    model: Deliveries
    keys: tuple[int, ...]
    until: datetime

    @property
    def outlasts_a_call(self) -> bool:
        return (self.until - timezone.now()).total_seconds() > _call_seconds()


def claim(model: Deliveries, keys: Sequence[int]) -> Claim:
    """Those of `keys` that nobody else holds."""
    now = timezone.now()
    until = now + timedelta(seconds=lease_seconds())
    with connection.cursor() as cursor:
        cursor.execute(_for(_CLAIM, model), {"keys": list(keys), "now": now, "until": until})
        held = sorted(key for (key,) in cursor.fetchall())
    return Claim(model, tuple(held), until)


def release(held: Claim, keys: Sequence[int], *, rest_seconds: float = 0) -> None:
    """Let go; after `rest_seconds` they may be claimed again."""
    if not keys:
        return
    free_at = timezone.now() + timedelta(seconds=rest_seconds) if rest_seconds else None
    with connection.cursor() as cursor:
        cursor.execute(_for(_RELEASE, held.model), [free_at, list(keys), held.until])


def know_new_cameras(platform: UpperPlatform) -> int:
    """A row, with nothing acknowledged, for every camera in the platform's scope; how many are new."""
    with connection.cursor() as cursor:
        # They wait from now on, however old they are.
        now = timezone.now()
        cursor.execute(_KNOW, {"platform": platform.pk, "path": platform.organisation.path, "now": now})
        return int(cursor.rowcount)


def _for(statement: str, model: Deliveries) -> str:
    return statement.format(table=model._meta.db_table)
