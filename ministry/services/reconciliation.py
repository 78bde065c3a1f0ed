"""What an upper platform holds against what we hold, and both brought together again.

By their ledger verbs where they have them; else by what they acknowledged, which can be counted but not compared.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from access.actors import SYSTEM, Actor
from access.services.alarms import close_alarm, raise_alarm
from access.services.logs import record
from cameras.models import Camera
from ministry.choices import DifferenceKind, Interface
from ministry.models import CameraDelivery, LedgerCheck, LedgerDifference, UpperPlatform
from ministry.selectors import CAMERA_INTERFACES, backlog_by_interface
from ministry.selectors.in_step import live_cameras, registrations_in_step
from ministry.selectors.overview import listed_strangers, newest_check
from ministry.services.channel import Channel, Outcome
from ministry.services.differences import Difference, Differences
from ministry.services.health import Topic, alarm_key
from ministry.services.reports import REPORTS
from ministry.services.reports.base import RESULTS, item_verdicts
from ministry.services.reports.deletions import is_gone_there
from ministry.services.slots import slot_within
from protocol.errors import RemoteError

# What brings their copy to what they acknowledged; a number that was never ours may be somebody else's.
AUTOMATIC: Final = frozenset(DifferenceKind) - {DifferenceKind.STRANGER}
# Repaired without asking: so many, or this share of what was compared.
_MOST_REPAIRED: Final = 50
_MOST_SHARE: Final = 0.1
# A field that they keep in another way than it was sent differs for ever.
_MOST_REPAIRS: Final = 3
_UNLIMITED: Final = 2**15
# Document 1.1 b: numbers of one deletion.
_MOST_DELETED: Final = 100
# Somebody waits for it.
_LONGEST_DELETION_SECONDS: Final = 10.0
_BATCH: Final = 2000
_EXAMPLES: Final = 3
_LONGEST_ERROR: Final = 300

_FREE: Final = """
    SELECT d.id, f.id AS difference
    FROM ministry_ledgerdifference f
    JOIN ministry_cameradelivery d ON d.camera_id = f.camera_id AND d.platform_id = %(platform)s
    WHERE f.ledger_check_id = %(check)s AND f.kind = ANY(%(kinds)s) AND f.repaired_at IS NULL
        AND f.repairs < %(most_repairs)s AND (d.claimed_until IS NULL OR d.claimed_until <= %(now)s) AND d.version > 0 AND NOT d.is_in_doubt
        AND {is_of_before}
    ORDER BY d.id FOR UPDATE OF d SKIP LOCKED
"""
_MARK: Final = """
UPDATE ministry_ledgerdifference SET repaired_at = %(now)s WHERE id IN (SELECT difference FROM free)
"""
# As after an answer that was lost: they may hold anything, so that they are registered anew.
_REGISTER_ANEW: Final = f"""
WITH free AS ({_FREE.format(is_of_before="(d.registered_at IS NULL OR d.registered_at < %(began)s)")}),
reset AS (
    UPDATE ministry_cameradelivery
    SET version = 0, is_in_doubt = TRUE, status = NULL, quality = NULL, reset_at = %(now)s
    WHERE id IN (SELECT id FROM free)
)
{_MARK}
"""  # noqa: S608
_TELL_STATUS_ANEW: Final = f"""
WITH free AS ({_FREE.format(is_of_before="d.status_at < %(began)s")}),
reset AS (
    UPDATE ministry_cameradelivery SET status = NULL, reset_at = %(now)s WHERE id IN (SELECT id FROM free)
)
{_MARK}
"""  # noqa: S608
_DELETE_ANEW: Final = """
WITH gone AS (
    SELECT f.id AS difference, c.id AS camera
    FROM ministry_ledgerdifference f
    JOIN cameras_camera c ON c.id = f.camera_id
    JOIN access_organisation o ON o.id = c.organisation_id
    WHERE f.ledger_check_id = %(check)s AND f.kind = ANY(%(kinds)s) AND f.repaired_at IS NULL
        AND f.repairs < %(most_repairs)s AND (c.deleted_at IS NOT NULL OR c.is_pending OR NOT starts_with(o.path, %(path)s))
), noted AS (
    INSERT INTO ministry_cameradelivery AS d (platform_id, camera_id, version, is_in_doubt, department, reset_at)
    SELECT %(platform)s, camera, 0, TRUE, '', %(now)s FROM gone ORDER BY camera
    ON CONFLICT (platform_id, camera_id) DO UPDATE SET is_in_doubt = TRUE, reset_at = %(now)s
        WHERE d.version = 0 AND NOT d.is_in_doubt AND (d.claimed_until IS NULL OR d.claimed_until <= %(now)s)
    RETURNING camera_id
)
UPDATE ministry_ledgerdifference SET repaired_at = %(now)s
WHERE id IN (SELECT difference FROM gone JOIN noted ON noted.camera_id = gone.camera)
"""
_STATEMENTS: Final = (
    # First: registering anew forgets the status as well.
    (frozenset({DifferenceKind.STATUS}), _TELL_STATUS_ANEW),
    (frozenset({DifferenceKind.MISSING, DifferenceKind.CONTENT}), _REGISTER_ANEW),
    (frozenset({DifferenceKind.SURPLUS}), _DELETE_ANEW),
)


def check_ledger(*, platform: UpperPlatform) -> LedgerCheck:
    """Compare, and keep what was found in place of what the check before found.

    What the other side is to blame for stands in `error` of the check; nothing else is changed by it.
    """
    began_at = timezone.now()
    current = UpperPlatform.objects.select_related("organisation").get(pk=platform.pk)
    check = LedgerCheck(platform=current, began_at=began_at, ours=live_cameras(current).count())
    differences = Differences(current, began_at)
    try:
        check.is_by_ledger = differences.read_cameras()
        if check.is_by_ledger:
            differences.read_statuses()
        elif _had_the_verb(current):
            raise RemoteError("对方此前提供台账查询，这次答复没有该接口；下次仍没有时改按确认结果核对")
    except RemoteError as error:
        check.is_by_ledger, check.error = True, error.message[:_LONGEST_ERROR]
    if not check.is_by_ledger:
        _count_acknowledged(check, current)
    elif not check.error:
        check.theirs, check.compared = differences.theirs, differences.compared
        check.differences = len(differences.found)
    check.ended_at = timezone.now()
    _keep(check, differences.found)
    return check


def check_and_repair(*, platform: UpperPlatform) -> LedgerCheck:
    """The hourly check: what differs is sent anew by the next runs.

    Not when so much differs that it is rather their answer that is wrong, or our idea of what they keep: then staff
    decide.
    """
    check = check_ledger(platform=platform)
    if not check.is_by_ledger or not check.differences or check.error:
        return check
    if check.found.filter(kind__in=AUTOMATIC, repairs__lt=_MOST_REPAIRS).count() > max(_MOST_REPAIRED, _MOST_SHARE * check.compared):
        raise_alarm(
            key=alarm_key(platform, Topic.DIFFERENCES),
            title=f"{platform.name}：台账差异过多，未自动修复",
            message=f"比对 {check.compared} 个，差异 {check.differences} 个；请核实后在部级对接页面修复",
        )
        return check
    repair(check=check, actor=SYSTEM, kinds=AUTOMATIC, most_repairs=_MOST_REPAIRS)
    return check


def repair(
    *, check: LedgerCheck, actor: Actor, kinds: Collection[DifferenceKind], most_repairs: int | None = None
) -> int:
    """Let the next runs send what differs, and delete over there what was never ours; how many.

    What is in a request just now is left to the next check, and so is, for ever, what differs although it was
    repaired `most_repairs` times in a row.
    """
    platform = UpperPlatform.objects.select_related("organisation").get(pk=check.platform_id)
    counts: Counter[str] = Counter()
    with transaction.atomic():
        for together, statement in _STATEMENTS:
            for kind in sorted(together & set(kinds)):
                counts[kind.label] += _repair(check, platform, statement, kind, most_repairs)
        _log(actor, platform, check, counts)
    if DifferenceKind.STRANGER in kinds:
        strangers = Counter({DifferenceKind.STRANGER.label: _delete_strangers(check, platform)})
        _log(actor, platform, check, strangers)
        counts += strangers
    return counts.total()


def forget_old_checks(*, now: datetime | None = None) -> int:
    """Checks are kept as long as the delivery log; how many went."""
    oldest = (now or timezone.now()) - timedelta(days=settings.MINISTRY_LOG_DAYS)
    deleted, by_model = LedgerCheck.objects.filter(began_at__lt=oldest).delete()
    return by_model.get("ministry.LedgerCheck", 0) if deleted else 0


def _had_the_verb(platform: UpperPlatform) -> bool:
    """One answer 404 may be somebody's in between; the second in a row is believed."""
    former = newest_check(platform)
    return former is not None and former.is_by_ledger and not former.error


def _count_acknowledged(check: LedgerCheck, platform: UpperPlatform) -> None:
    check.theirs = CameraDelivery.objects.filter(platform=platform, version__gt=0).count()
    check.compared = registrations_in_step(platform, check.began_at).count()
    owed = backlog_by_interface(platform)
    check.differences = sum(owed[interface].waiting for interface in CAMERA_INTERFACES)


def _keep(check: LedgerCheck, found: list[Difference]) -> None:
    platform = check.platform
    former = LedgerDifference.objects.filter(ledger_check__platform=platform)
    with transaction.atomic():
        # Two checks that end together: the one that began later stands.
        UpperPlatform.objects.select_for_update().get(pk=platform.pk)
        check.save()
        if check.error or platform.checks.filter(began_at__gt=check.began_at, error="").exists():
            return
        repairs = _repairs_so_far(former)
        former.delete()
        for begin in range(0, len(found), _BATCH):
            LedgerDifference.objects.bulk_create(_rows(check, found[begin : begin + _BATCH], repairs))
    lasting = [one for one in found if one.kind not in AUTOMATIC or (one.kind, one.number) in repairs]
    _tell_alarm(platform, found, lasting)


def _repairs_so_far(former: QuerySet[LedgerDifference]) -> dict[tuple[int, str], int]:
    """By kind and number: in how many checks in a row it was found and repaired."""
    rows = former.values_list("kind", "number", "repairs", "repaired_at")
    counts = {(kind, number): repairs + (at is not None) for kind, number, repairs, at in rows}
    return {key: min(count, _UNLIMITED - 1) for key, count in counts.items() if count}


def _rows(
    check: LedgerCheck, found: list[Difference], repairs: dict[tuple[int, str], int]
) -> Iterator[LedgerDifference]:
    for one in found:
        yield LedgerDifference(
            ledger_check=check,
            kind=one.kind,
            camera_id=one.camera_id,
            number=one.number,
            name=one.name,
            detail=one.detail,
            repairs=repairs.get((one.kind, one.number), 0),
        )


def _tell_alarm(platform: UpperPlatform, found: list[Difference], lasting: list[Difference]) -> None:
    key = alarm_key(platform, Topic.DIFFERENCES)
    if not found:
        close_alarm(key=key)
    if not lasting:
        return
    counts = Counter(one.kind.label for one in lasting)
    examples = "；".join(
        " ".join(part for part in (one.kind.label, one.number, one.name, one.detail) if part)
        for one in lasting[:_EXAMPLES]
    )
    raise_alarm(
        key=key,
        title=f"{platform.name}：台账差异未消除",
        message="、".join(f"{label} {count} 个" for label, count in counts.items()) + f"。例如：{examples}",
    )


def _repair(
    check: LedgerCheck,
    platform: UpperPlatform,
    statement: str,
    kind: DifferenceKind,
    most_repairs: int | None,
) -> int:
    given: dict[str, Any] = {
        "most_repairs": _UNLIMITED if most_repairs is None else most_repairs,
        "check": check.pk,
        "platform": platform.pk,
        "path": platform.organisation.path,
        "kinds": [int(kind)],
        "now": timezone.now(),
        "began": check.began_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        return int(cursor.rowcount)


def _delete_strangers(check: LedgerCheck, platform: UpperPlatform) -> int:
    """Those that stand in the list. Ends at the first request that is not answered with success, and when it has
    taken long; the rest stays for another try."""
    strangers = {row.pk: row.number for row in listed_strangers(check) if row.repaired_at is None}
    channel = Channel(platform)
    keys, count, ends_at = list(strangers), 0, time.monotonic() + _LONGEST_DELETION_SECONDS
    for begin in range(0, len(keys), _MOST_DELETED):
        batch = {key: strangers[key] for key in keys[begin : begin + _MOST_DELETED]}
        with slot_within(platform, _LONGEST_DELETION_SECONDS):
            gone = _delete_there(channel, batch)
        if gone is None:
            break
        count += LedgerDifference.objects.filter(pk__in=gone).update(repaired_at=timezone.now())
        if time.monotonic() > ends_at:
            break
    return count


def _delete_there(channel: Channel, numbers: dict[int, str]) -> list[int] | None:
    """Keys of those that they hold no more; None when the request failed."""
    # Registered with us since the check: it is no stranger any more.
    lowered = [number.lower() for number in numbers.values()]
    own = set(Camera.objects.filter(number_key__any_of=lowered).values_list("number_key", flat=True))
    strangers = {key: number for key, number in numbers.items() if number.lower() not in own}
    if not strangers:
        return []
    channel.pace()
    reply = channel.call(
        Interface.DELETE,
        REPORTS[Interface.DELETE].verb,
        {"cameras": list(strangers.values())},
        count=len(strangers),
        results=RESULTS,
    )
    if reply.outcome != Outcome.DONE or reply.answer is None:
        return None
    verdicts = item_verdicts(reply.answer)
    return [key for key, number in strangers.items() if is_gone_there(verdicts.get(number.lower()))]


def _log(actor: Actor, platform: UpperPlatform, check: LedgerCheck, counts: Counter[str]) -> None:
    done = {label: count for label, count in counts.items() if count}
    if done:
        record(
            actor,
            "修复台账差异",
            object_kind="upper_platform",
            object_id=platform.pk,
            object_name=platform.name,
            detail={"核对": check.pk, **done},
        )
