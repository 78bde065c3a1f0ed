"""Incidents kept equal to what is away: begun, grown, shrunk, taken over and ended, each with one alarm."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from access.locks import Work, try_lock
from access.models import Organisation
from access.services.alarms import AlarmNews, close_alarms, raise_alarms
from incidents.choices import IncidentKind
from incidents.folding import Away, Group, Rules, Standing, fold, parts_of
from incidents.models import Incident, IncidentWatch
from incidents.selectors import cameras_away, census, silent_gateways
from incidents.services.members import Member, join, leave, members_now, note_flapping
from incidents.services.words import (
    Subject,
    last_words_of,
    message_of,
    severity_of,
    subjects_of,
    title_of,
)
from streaming.selectors import silent_servers

logger = logging.getLogger(__name__)

# Without a run for so long the platform was down, and so were its streams.
GAP: Final = timedelta(seconds=60)
# Single cameras that become alarms in one run; the others follow in the next ones, the longest away first.
MOST_SINGLE: Final = 200
_BATCH: Final = 5000


def watch_incidents(*, now: datetime | None = None) -> None:
    """One run at a time; the others do nothing."""
    now = now or timezone.now()
    with try_lock(Work.INCIDENTS) as is_alone:
        if is_alone:
            with transaction.atomic():
                _watch(now)


def forget_old_incidents() -> int:
    deleted, _ = Incident.objects.filter(
        ended_at__lt=timezone.now() - timedelta(days=settings.INCIDENT_KEEP_DAYS)
    ).delete()
    return deleted


def _watch(now: datetime) -> None:
    may_begin = _note_run(now)
    running = {_group_of(incident): incident for incident in Incident.objects.filter(ended_at=None)}
    members = members_now()
    away = cameras_away(now, {pk for pk, member in members.items() if member.is_flapping})
    if not away and not running:
        return
    standing = Standing(census(), running.keys(), _silent(now), silent_gateways(), may_begin)
    wanted = _fewer_single(fold(away, standing, _rules(), now), running)
    _Change(now, running, members, wanted, standing, {camera.camera_id for camera in away}).write()


def _note_run(now: datetime) -> bool:
    """Whether something new may begin: not just after a time in which nobody looked."""
    row = IncidentWatch.objects.select_for_update().first()
    if row is None:
        row = IncidentWatch(quiet_until=now + _quiet())
    elif now - row.ran_at > GAP:
        row.quiet_until = now + _quiet()
    row.ran_at = now
    row.save()
    return now >= row.quiet_until


def _quiet() -> timedelta:
    return timedelta(seconds=settings.INCIDENT_QUIET_SECONDS)


def _rules() -> Rules:
    return Rules(
        cameras=settings.INCIDENT_CAMERAS,
        share=settings.INCIDENT_SHARE,
        wide_share=settings.INCIDENT_WIDE_SHARE,
        province_share=settings.INCIDENT_PROVINCE_SHARE,
        after=timedelta(seconds=settings.INCIDENT_SECONDS),
        alone_after=timedelta(seconds=settings.OFFLINE_ALARM_SECONDS),
    )


def _silent(now: datetime) -> set[str]:
    return {str(pk) for pk in silent_servers(now).values_list("pk", flat=True)}


def _group_of(incident: Incident) -> Group:
    return IncidentKind(incident.kind), incident.subject


def _fewer_single(
    wanted: dict[Group, Sequence[Away]], running: Mapping[Group, Incident]
) -> dict[Group, Sequence[Away]]:
    fresh = [group for group in wanted if group[0] == IncidentKind.CAMERA and group not in running]
    if len(fresh) > MOST_SINGLE:
        fresh.sort(key=lambda group: wanted[group][0].since)
        for group in fresh[MOST_SINGLE:]:
            del wanted[group]
    return wanted


@dataclass(slots=True)
class _Change:
    """From what was to what is; `wanted` are all incidents there are now."""

    now: datetime
    running: dict[Group, Incident]
    members: Mapping[int, Member]
    wanted: Mapping[Group, Sequence[Away]]
    standing: Standing
    away: set[int]

    def write(self) -> None:
        begun = self._begin()
        incidents = self.running | begun
        place = {camera.camera_id: (group, camera) for group, found in self.wanted.items() for camera in found}
        moved = self._move(incidents, place)
        self._tell_changes(incidents, begun)
        self._end(incidents, moved)

    def _begin(self) -> dict[Group, Incident]:
        fresh = [group for group in self.wanted if group not in self.running]
        subjects = self._subjects(fresh)
        rows = [
            Incident(
                kind=group[0],
                subject=group[1],
                name=subjects[group].name[:160],
                organisation_id=subjects[group].organisation_id,
                began_at=min(camera.since for camera in self.wanted[group]),
                total=self.standing.totals.get(group, 1),
            )
            for group in fresh
        ]
        Incident.objects.bulk_create(rows)
        return dict(zip(fresh, rows, strict=True))

    def _move(
        self, incidents: Mapping[Group, Incident], place: Mapping[int, tuple[Group, Away]]
    ) -> list[tuple[int, Group]]:
        """Cameras out of and into incidents; of those another took over, where they were and where they are."""
        back, gone, moved, staying = [], [], [], set()
        turned: dict[bool, list[int]] = {True: [], False: []}
        for pk, member in self.members.items():
            group, camera = place.get(pk, (None, None))
            if group is not None and camera is not None and incidents[group].pk == member.incident_id:
                staying.add(pk)
                if member.is_flapping != camera.is_flapping:
                    turned[camera.is_flapping].append(member.pk)
            elif pk in self.away:
                gone.append(member.pk)
                if group is not None:
                    moved.append((member.incident_id, group))
            else:
                back.append(member.pk)
        for is_flapping, ids in turned.items():
            note_flapping(ids, is_flapping=is_flapping)
        leave(back, self.now, is_moved=False)
        leave(gone, self.now, is_moved=True)
        join([(incidents[group].pk, camera) for pk, (group, camera) in place.items() if pk not in staying])
        return moved

    def _tell_changes(self, incidents: Mapping[Group, Incident], begun: Mapping[Group, Incident]) -> None:
        changed = [group for group in self.wanted if group in begun or self._is_changed(incidents[group], group)]
        subjects = self._subjects(changed)
        organisations = Organisation.objects.in_bulk(
            {incidents[group].organisation_id for group in changed if incidents[group].organisation_id}
        )
        news = []
        for group in changed:
            incident, found = incidents[group], self.wanted[group]
            incident.cameras = len(found)
            incident.flapping = sum(camera.is_flapping for camera in found)
            incident.peak = max(incident.peak, incident.cameras)
            news.append(
                AlarmNews(
                    key=alarm_key(incident),
                    title=title_of(incident),
                    message=message_of(incident, subjects[group].hint),
                    severity=severity_of(incident),
                    organisation=organisations.get(incident.organisation_id or 0),
                    is_shared=incident.kind != IncidentKind.CAMERA,
                    camera_id=camera_of(incident),
                    began_at=incident.began_at,
                )
            )
        for group, alarm in zip(changed, raise_alarms(news), strict=True):
            incidents[group].alarm = alarm
        Incident.objects.bulk_update(
            [incidents[group] for group in changed], ["cameras", "flapping", "peak", "alarm"], batch_size=_BATCH
        )

    def _is_changed(self, incident: Incident, group: Group) -> bool:
        found = self.wanted[group]
        return (incident.cameras, incident.flapping) != (len(found), sum(camera.is_flapping for camera in found))

    def _end(self, incidents: Mapping[Group, Incident], moved: Sequence[tuple[int, Group]]) -> None:
        ended = [incident for group, incident in self.running.items() if group not in self.wanted]
        into: dict[int, Counter[Group]] = {}
        for incident_id, group in moved:
            into.setdefault(incident_id, Counter())[group] += 1
        words = {}
        for incident in ended:
            heirs = into.get(incident.pk, Counter()).most_common(1)
            # Where only some of it lives on, each by itself, it has ended.
            heir = incidents[heirs[0][0]] if heirs and heirs[0][0][0] != IncidentKind.CAMERA else None
            incident.ended_at, incident.merged_into = self.now, heir
            words[alarm_key(incident)] = last_words_of(incident, heir.name if heir else "", self.now)
            incident.cameras = incident.flapping = 0
        close_alarms(words, now=self.now)
        Incident.objects.bulk_update(ended, ["ended_at", "merged_into", "cameras", "flapping"], batch_size=_BATCH)
        if ended:
            logger.info("%d incidents ended", len(ended))

    def _subjects(self, groups: Sequence[Group]) -> dict[Group, Subject]:
        companies = {
            group: Counter(camera.place.company_id for camera in self.wanted[group]).most_common() for group in groups
        }
        return subjects_of(groups, {group: [company for company, _ in found] for group, found in companies.items()})


def camera_of(incident: Incident) -> int | None:
    """The one camera that it is about, if it is."""
    return parts_of(incident.subject)[0] if incident.kind == IncidentKind.CAMERA else None


def alarm_key(incident: Incident) -> str:
    return f"incident:{incident.pk}"
