"""What to send next: the most urgent first, in batches as full as the verbs allow."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.utils import timezone

from ministry.choices import Interface
from ministry.models import InterfaceState, UpperPlatform
from ministry.selectors import (
    CAMERA_INTERFACES,
    Owed,
    Rank,
    are_registrations_under_way,
    current_hour,
    hourly_progress,
    sendable,
    sendable_analyses,
)
from ministry.services.claims import know_new_cameras, lease_seconds
from ministry.services.deliver import Planned
from ministry.services.health import is_probing
from ministry.services.troubles import batch_limit

# Of cameras, in one look; a look costs about the same whatever it finds.
_MOST_OWED: Final = 8000
_MOST_EVENTS: Final = 500
# First states wait so long for a registration under way, so that their batches become full.
_SETTLING_SECONDS: Final = 5.0
# Verbs whose requests name one department.
_BY_DEPARTMENT: Final = (Interface.STATUS, Interface.QUALITY, Interface.ANALYSE)


def plan(platform: UpperPlatform) -> list[Planned]:
    """One look at everything that is owed and may be sent now."""
    resting, probing = _breakers(platform)
    interfaces = [interface for interface in CAMERA_INTERFACES if interface not in resting]
    owed = sendable(platform, interfaces, _MOST_OWED)
    if any(one.has_unknown for one in owed):
        know_new_cameras(platform)
        owed = sendable(platform, interfaces, _MOST_OWED)
    batches = _batches(owed)
    if sum(len(one.keys) for one in owed) == _MOST_OWED:
        # The last one may go on beyond the look, and would travel half empty.
        batches = batches[:-1]
    if _are_registrations_awaited(platform, owed):
        batches = [batch for batch in batches if batch.rank not in (Rank.FIRST_STATUS, Rank.FIRST_QUALITY)]
    if Interface.ANALYSE not in resting:
        batches += _batches(_owed_events(platform))
    batches = list(_within_the_hour(platform, batches))
    return list(_one_probe_each(sorted(batches, key=lambda batch: batch.rank), probing))


def _breakers(platform: UpperPlatform) -> tuple[set[Interface], set[Interface]]:
    """Interfaces that rest, and those that may be tried with one request."""
    states = list(InterfaceState.objects.filter(platform=platform))
    now = timezone.now()
    resting = {Interface(state.interface) for state in states if state.retry_at and state.retry_at > now}
    probing = {Interface(state.interface) for state in states if is_probing(state.failures)}
    return resting, probing


def _batches(owed: Iterable[Owed]) -> list[Planned]:
    """In the order of their first members."""
    groups: dict[tuple[Rank, Interface, str, int], list[int]] = defaultdict(list)
    for one in owed:
        department = one.department if one.interface in _BY_DEPARTMENT else ""
        groups[one.rank, one.interface, department, batch_limit(one.strikes)] += one.keys
    return [
        Planned(interface, tuple(keys[begin : begin + limit]), department, rank)
        for (rank, interface, department, limit), keys in groups.items()
        for begin in range(0, len(keys), limit)
    ]


def _owed_events(platform: UpperPlatform) -> list[Owed]:
    return [
        Owed(Rank.EVENT, Interface.ANALYSE, row.department, row.strikes, [row.pk])
        for row in sendable_analyses(platform)[:_MOST_EVENTS]
    ]


def _are_registrations_awaited(platform: UpperPlatform, owed: Iterable[Owed]) -> bool:
    if any(one.interface == Interface.REGISTER and not one.strikes for one in owed):
        return True
    claimed_lately = timezone.now() + timedelta(seconds=lease_seconds() - _SETTLING_SECONDS)
    return are_registrations_under_way(platform, claimed_lately)


def _within_the_hour(platform: UpperPlatform, batches: Iterable[Planned]) -> Iterator[Planned]:
    """All but those hourly reports whose turn has not come: they are spread from the full hour on."""
    left: dict[Interface, int] = {}
    for batch in batches:
        if batch.rank == Rank.HOURLY:
            if batch.interface not in left:
                left[batch.interface] = _hourly_allowance(platform, batch.interface)
            if left[batch.interface] <= 0:
                continue
            left[batch.interface] -= len(batch.keys)
        yield batch


def _hourly_allowance(platform: UpperPlatform, interface: Interface) -> int:
    """How many cameras should have been told by now, less those that were."""
    total, done = hourly_progress(platform, interface)
    passed = (timezone.now() - current_hour()).total_seconds() + 1
    share = min(1.0, passed / int(settings.MINISTRY_HOURLY_SPREAD_SECONDS))
    return math.ceil(total * share) - done


def _one_probe_each(batches: Iterable[Planned], probing: set[Interface]) -> Iterator[Planned]:
    """An interface whose breaker is open is tried with its first batch only."""
    tried: set[Interface] = set()
    for batch in batches:
        if batch.interface in tried:
            continue
        if batch.interface in probing:
            tried.add(batch.interface)
        yield batch
