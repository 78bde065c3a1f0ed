"""One run of the proof: rain, fair weather, verdict."""

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from django.db import connection
from django.utils import timezone

from access.actors import SYSTEM
from ministry.models import AnalysisDelivery, DeliveryTrouble, UpperPlatform
from ministry.services import parking
from tests.proof.journal import acknowledgements, install
from tests.proof.judge import ahead_of_truth, differences, overlapping, pending, read_truth, too_rare
from tests.proof.workload import Gateway
from tests.proof.world import CLIENT_SECONDS, World

MOST_SHOWN = 20
GATEWAYS = 2


class Proof:
    def __init__(self, options: argparse.Namespace, world: World) -> None:
        self._options = options
        self._world = world
        self._chance = random.Random(f"{options.seed}/chaos")
        self._begun_at = time.monotonic()
        # Of each kind of fault; before the first look none is enough.
        self._counts: dict[str, int] = {"nothing yet": -1}
        self._gateways = [
            Gateway(
                number + 1,
                port=world.web_port,
                partner=world.partner,
                seed=options.seed,
                cameras=options.cameras // GATEWAYS,
            )
            for number in range(GATEWAYS)
        ]

    def rain(self) -> None:
        """Operations, faults, kills and restarts, until there were enough of each."""
        self._world.order_ministry(
            "faults",
            mode="schedule",
            seed=self._options.seed,
            share=self._options.share,
            hold_seconds=3 * CLIENT_SECONDS,
            refused_seconds=self._options.door_seconds,
            certificate_seconds=self._options.door_seconds,
        )
        self._begun_at = time.monotonic()
        chaos = self._chaos()
        next_at = self._options.chaos_seconds / 2
        for gateway in self._gateways:
            gateway.is_enough = self._is_enough
            gateway.start()
        while any(gateway.is_alive() for gateway in self._gateways):
            self._world.tend()
            self._counts = self._world.ask_ministry("faults")["counts"]
            if self._elapsed() >= next_at:
                next(chaos)(self._chance)
                next_at = self._elapsed() + self._options.chaos_seconds * self._chance.uniform(0.7, 1.3)
            time.sleep(0.2)
        for gateway in self._gateways:
            if gateway.failure:
                raise gateway.failure

    def _elapsed(self) -> float:
        return time.monotonic() - self._begun_at

    def _chaos(self) -> Iterator[Callable[[random.Random], None]]:
        world = self._world
        kinds = [
            world.kill_reporter,
            world.kill_reporters_child,
            world.restart_database,
            world.kill_reporter,
            world.restart_broker,
        ]
        while True:
            yield from self._chance.sample(kinds, len(kinds))

    def _is_enough(self, done: int) -> bool:
        """Waits for the turn of the next operation of one gateway."""
        seconds = self._options.minutes * 60
        apart = seconds * GATEWAYS / self._options.operations
        time.sleep(max(0.0, done * apart - self._elapsed()))
        if self._elapsed() < seconds or done * GATEWAYS < self._options.operations:
            return False
        is_late = self._elapsed() > seconds + self._options.longer_minutes * 60
        return is_late or not too_rare(self._counts, self._options.least)

    def settle(self) -> None:
        """The weather is fair; what was put off for long is tried again; until nothing is pending."""
        self._world.order_ministry("faults", mode="none")
        poisoned = set(self._world.ask_ministry("faults")["poisoned_ever"])
        for gateway in self._gateways:
            gateway.touch(poisoned)
        retry_parked()
        deadline = time.monotonic() + self._options.settle_seconds
        # Statuses follow what was reported behind the blip filter.
        time.sleep(3)
        while pending() and time.monotonic() < deadline:
            self._world.tend()
            time.sleep(0.5)

    def verdict(self) -> list[str]:
        """What is wrong."""
        ask = self._world.ask_ministry
        told = acknowledgements()
        found = {
            "pending": [f"{count} {what}" for what, count in pending().items()],
            "too rare": too_rare(ask("faults")["counts"], self._options.least),
            "overlap": overlapping(ask("overlaps")),
            "ahead of the truth": ahead_of_truth(told, ask("history")),
            "different": differences(read_truth(), ask("state")),
            "idle": [] if told else ["nothing was ever acknowledged"],
        }
        return [f"{what}: {each}" for what, all_of_it in found.items() for each in all_of_it]

    def tell(self) -> None:
        """Everything that happened, in figures."""
        ask = self._world.ask_ministry
        faults, state, truth = ask("faults"), ask("state"), read_truth()
        self._table("operations", sum((gateway.done for gateway in self._gateways), start=Counter()))
        print(f"  said again because of an answer that was none: {sum(g.repeated for g in self._gateways)}")
        self._table("kills and restarts", self._world.events)
        self._table(f"faults, in {faults['requests']} requests", faults["counts"])
        print(f"  refused because of a poisoned camera besides: {faults['culprit_hits']}")
        print(f"acknowledgements written: {len(acknowledgements())}")
        print(f"requests at once, at most: {ask('overlaps')['most_requests_at_once']}")
        print(
            f"at the end: {len(truth.cameras)} cameras, ministry {len(state['cameras'])}; "
            f"{len(truth.qualities)} qualities, {len(truth.analyses)} results, {len(state['analysis'])} arrivals"
        )

    def _table(self, title: str, counts: Mapping[str, int]) -> None:
        print(f"{title}:")
        for name, count in sorted(counts.items()):
            print(f"  {count:6} {name}")


def retry_parked() -> None:
    """What was put off because the ministry would not have it: staff ask for it, or its hour is over."""
    for platform in UpperPlatform.objects.all():
        parking.retry_parked(platform=platform, actor=SYSTEM)
    for model in (DeliveryTrouble, AnalysisDelivery):
        model.objects.filter(retry_at__gt=timezone.now()).update(retry_at=timezone.now())


def run(options: argparse.Namespace, world: World) -> int:
    begun = time.monotonic()
    with world:
        install()
        # The database is restarted under it; the next use connects anew.
        connection.close()
        proof = Proof(options, world)
        print(f"started after {time.monotonic() - begun:.0f} s", flush=True)
        proof.rain()
        print(f"rained until {time.monotonic() - begun:.0f} s", flush=True)
        proof.settle()
        print(f"settled after {time.monotonic() - begun:.0f} s", flush=True)
        proof.tell()
        found = proof.verdict()
    (world.folder / "found.txt").write_text("\n".join(found))
    for fault in found[:MOST_SHOWN]:
        print(f"WRONG {fault}")
    print(f"{len(found)} faults found" if found else "PROVEN", f"({time.monotonic() - begun:.0f} s)")
    return 1 if found else 0
