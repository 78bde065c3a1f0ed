"""Finds where the copy of an upper platform differs from what it acknowledged, page by page."""

from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Final

from django.db.models import Q

from cameras.choices import OnlineStatus
from cameras.models import Camera
from ministry.choices import DifferenceKind
from ministry.models import UpperPlatform
from ministry.selectors.in_step import gone_cameras, on_the_way, registrations_in_step, statuses_in_step
from ministry.services.channel import Channel, words
from ministry.services.comparison import content_difference, status_difference
from ministry.services.their_ledger import CAMERAS, STATUSES, Page, TheirLedger, is_absent
from protocol.errors import RemoteError

_LONGEST_DETAIL: Final = 300
_LONGEST_NAME: Final = 128


@dataclass(frozen=True, slots=True)
class Difference:
    kind: DifferenceKind
    number: str
    camera_id: int | None = None
    name: str = ""
    detail: str = ""


class Differences:
    """Of one reading. A page is compared when it has come: what is in step then, and was before the reading
    began, was so while they answered."""

    def __init__(self, platform: UpperPlatform, began_at: datetime) -> None:
        self.found: list[Difference] = []
        self.theirs = 0
        self.compared = 0
        self._platform = platform
        self._began_at = began_at
        self._ledger = TheirLedger(Channel(platform))
        in_step = registrations_in_step(platform, began_at).values_list("camera_id", flat=True)
        # Cameras that were in step and have not been seen yet.
        self._unseen = set(in_step.iterator())
        under_way = on_the_way(platform).values_list("camera_id", flat=True)
        self._under_way = {camera for camera in under_way.iterator() if camera not in self._unseen}

    def read_cameras(self) -> bool:
        """False when they do not have the verb; RemoteError when it cannot be read to its end."""
        pages = self._ledger.pages(CAMERAS)
        try:
            first = next(pages, None)
        except RemoteError as error:
            if is_absent(error):
                return False
            raise
        for page in chain([first] if first else [], pages):
            self.theirs += len(page)
            self._compare(page)
        self._confirm_missing()
        return True

    def read_statuses(self) -> None:
        """Of those cameras whose status they tell; nothing where they do not have the verb."""
        in_step = statuses_in_step(self._platform, self._began_at)
        before = set(in_step.values_list("camera_id", flat=True).iterator())
        try:
            for page in self._ledger.pages(STATUSES):
                self._compare_statuses(page, before)
        except RemoteError as error:
            if not is_absent(error):
                raise

    def _compare(self, page: Page) -> None:
        told = set(chain.from_iterable(page.values()))
        rows = registrations_in_step(self._platform, self._began_at).filter(
            camera__number_key__any_of=list(page)
        )
        others = dict(page)
        for row in rows.select_related("camera__organisation__parent", "camera__gateway"):
            camera = row.camera
            entry = others.pop(camera.number_key)
            if camera.pk not in self._unseen:
                continue
            self._unseen.discard(camera.pk)
            self.compared += 1
            if detail := content_difference(camera, entry, told):
                self._add(DifferenceKind.CONTENT, camera.number, camera.pk, camera.name, detail)
        if others:
            self._judge_others(others)

    def _judge_others(self, page: Page) -> None:
        """Numbers that are not in step: ours on their way, ours of before, or never ours."""
        known = Camera.objects.filter(number_key__any_of=list(page))
        own = dict(known.values_list("number_key", "pk"))
        self._unseen.difference_update(own.values())
        long_gone = Q(deleted_at__lt=self._began_at) | Q(deleted_at=None, version_at__lt=self._began_at)
        surplus = (
            gone_cameras(self._platform)
            .filter(long_gone, pk__in=set(own.values()) - self._under_way)
            .exclude(pk__in=on_the_way(self._platform).values("camera"))
        )
        for number, pk, name, deleted_at in surplus.values_list("number", "pk", "name", "deleted_at"):
            # One that lives here outside their scope, or waits for staff, may have been told them by somebody else.
            kind = DifferenceKind.STRANGER if deleted_at is None else DifferenceKind.SURPLUS
            self._add(kind, number, pk, name)
        for key, entry in page.items():
            if key not in own:
                name = words(entry.get("cameraName"))
                self._add(DifferenceKind.STRANGER, str(entry["cameraNum"]).strip(), name=name)

    def _confirm_missing(self) -> None:
        """A second look at their pages: while others are deleted there, one may slip from page to page unseen."""
        missing = set(self._unseen_in_step())
        if not missing:
            return
        for page in self._ledger.pages(CAMERAS):
            missing.difference_update(page)
        for key, (number, pk, name) in self._unseen_in_step().items():
            if key in missing:
                self.compared += 1
                self._add(DifferenceKind.MISSING, number, pk, name)

    def _unseen_in_step(self) -> dict[str, tuple[str, int, str]]:
        """By lower-case number."""
        if not self._unseen:
            return {}
        rows = registrations_in_step(self._platform, self._began_at).values_list(
            "camera_id", "camera__number_key", "camera__number", "camera__name"
        )
        return {key: (number, pk, name) for pk, key, number, name in rows.iterator() if pk in self._unseen}

    def _compare_statuses(self, page: Page, before: set[int]) -> None:
        rows = statuses_in_step(self._platform, self._began_at).filter(
            camera__number_key__any_of=list(page)
        )
        names = ("camera_id", "camera__number_key", "camera__number", "camera__name", "camera__status")
        for pk, key, number, name, status in rows.values_list(*names):
            detail = status_difference(OnlineStatus(status), page[key].get("onlineStatus"))
            if pk in before and detail:
                self._add(DifferenceKind.STATUS, number, pk, name, detail)

    def _add(
        self, kind: DifferenceKind, number: str, camera_id: int | None = None, name: str = "", detail: str = ""
    ) -> None:
        self.found.append(
            Difference(kind, number, camera_id, name[:_LONGEST_NAME], detail[:_LONGEST_DETAIL])
        )
