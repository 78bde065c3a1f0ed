"""What can go wrong, and the seeded schedule by which it does."""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Self


class Kind(StrEnum):
    """One way in which a ministry fails; which of them do what was asked stands in `spoiling`."""

    REFUSED = "refused"  # no connection for a moment, those that are open are cut
    RESET_BEFORE = "reset_before"  # cut without having done anything
    RESET_AFTER = "reset_after"  # done, and the answer lost
    TIMEOUT_BEFORE = "timeout_before"
    TIMEOUT_AFTER = "timeout_after"
    DRIP = "drip"
    HTTP_500 = "http_500"
    CODE_500 = "code_500"
    TOKEN_EXPIRED = "token_expired"
    HTML_200 = "html_200"
    HTML_502 = "html_502"
    BROKEN_JSON = "broken_json"
    TEXT_CODE_200 = "text_code_200"
    TEXT_CODE_500 = "text_code_500"
    ITEM_REFUSALS = "item_refusals"
    PARTIAL_RESULT = "partial_result"
    WRONG_ORDER = "wrong_order"
    RETRY_AFTER = "retry_after"
    CERTIFICATE = "certificate"
    CULPRIT_400 = "culprit_400"
    CULPRIT_500 = "culprit_500"


_RESULT_VERBS = frozenset({"VideoInformation", "VideoInformationDel"})


def fits(kind: Kind, verb: str, cameras: int) -> bool:
    """Whether a request of `verb` that names so many cameras can fail in this way."""
    if kind in (Kind.WRONG_ORDER, Kind.PARTIAL_RESULT):
        return verb in _RESULT_VERBS and cameras > 1
    if kind == Kind.ITEM_REFUSALS:
        return verb in _RESULT_VERBS
    if kind in (Kind.CULPRIT_400, Kind.CULPRIT_500):
        return cameras > 0
    return kind != Kind.TOKEN_EXPIRED or verb != "TokenInfo"


@dataclass(frozen=True)
class Plan:
    """How a schedule rains; times in seconds."""

    seed: int = 1
    share: float = 0.2  # of the requests that fail in one of these ways
    kinds: tuple[Kind, ...] = tuple(Kind)
    latency_least: float = 0.005
    latency_most: float = 0.03
    hold_seconds: float = 5.0  # longer than the client waits
    drip_seconds: float = 1.0
    refused_seconds: float = 2.0
    certificate_seconds: float = 2.0
    poison_seconds: float = 10.0
    retry_after_seconds: int = 1

    @classmethod
    def read(cls, wanted: Mapping[str, Any]) -> Self:
        """ValueError, TypeError for what is no plan."""
        known = {each.name: wanted[each.name] for each in fields(cls) if each.name in wanted}
        if "kinds" in known:
            known["kinds"] = tuple(Kind(name) for name in known["kinds"])
        plan = cls(**known)
        if not 0 <= plan.share <= 1 or not plan.kinds:
            raise ValueError("share, kinds")
        return plan


@dataclass
class Schedule:
    """Faults from a deck that is shuffled, dealt to its end and shuffled again: each kind comes equally often."""

    plan: Plan
    has_wrong_certificate: bool
    requests: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    # Requests refused because of a poisoned camera, the one with which it began not among them.
    culprit_hits: int = 0
    poisoned_ever: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.random = random.Random(self.plan.seed)
        self._kinds = [
            kind for kind in self.plan.kinds if kind != Kind.CERTIFICATE or self.has_wrong_certificate
        ]
        self._deck: list[Kind] = []
        self._poison: dict[tuple[str, str], tuple[int, float]] = {}

    def latency(self) -> float:
        return self.random.uniform(self.plan.latency_least, self.plan.latency_most)

    def draw(self, verb: str, cameras: int) -> Kind | None:
        """The fault of this request, or none. A card that does not fit it stays for another."""
        self.requests += 1
        if self.random.random() >= self.plan.share:
            return None
        kind = self._deal(verb, cameras)
        if kind is None:
            self._deck += self.random.sample(self._kinds, len(self._kinds))
            kind = self._deal(verb, cameras)
        if kind is not None:
            self.counts[kind] += 1
        return kind

    def _deal(self, verb: str, cameras: int) -> Kind | None:
        for index, kind in enumerate(self._deck):
            if fits(kind, verb, cameras):
                return self._deck.pop(index)
        return None

    def poison(self, verb: str, cameras: Sequence[str], code: int) -> str:
        """From now on a request of `verb` that names this one of the cameras is refused as a whole."""
        culprit = self.random.choice(cameras)
        self._poison[verb, culprit] = (code, time.monotonic() + self.plan.poison_seconds)
        self.poisoned_ever.add(culprit)
        return culprit

    def poisoned(self, verb: str, cameras: Sequence[str]) -> tuple[int, str] | None:
        """Code and culprit, while one of the cameras is poisoned for `verb`."""
        now = time.monotonic()
        self._poison = {key: what for key, what in self._poison.items() if what[1] > now}
        for camera in cameras:
            if found := self._poison.get((verb, camera)):
                self.culprit_hits += 1
                return found[0], camera
        return None

    def told(self) -> dict[str, Any]:
        return {
            "seed": self.plan.seed,
            "requests": self.requests,
            "counts": {kind.value: self.counts[kind] for kind in self._kinds},
            "culprit_hits": self.culprit_hits,
            "poisoned_ever": sorted(self.poisoned_ever),
        }
