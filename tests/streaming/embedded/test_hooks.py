"""Telling the platform: order, repetition, bounds."""

import asyncio
import threading

import pytest

from streaming.embedded.config import Limits
from streaming.embedded.hooks import Hooks
from streaming.embedded.hub import Client
from tests.streaming.embedded.conftest import SECRET, media_config
from tests.streaming.embedded.peers import Platform, until

CLIENT = Client("c-1", "10.0.0.9", "auth_key=x", "flv", "p7")
KEY = ("live", "cam")


def run(hooks: Hooks, *events: str, seconds: float = 10.0) -> None:
    async def go() -> None:
        await hooks.start()
        for event in events:
            hooks.tell(event, KEY, CLIENT, {"reason": "left"})
        await hooks.stop(seconds)

    asyncio.run(go())


def test_events_arrive_in_order_and_whole(platform: Platform) -> None:
    run(
        Hooks(media_config(platform_url=platform.url + "/", name="node-2")),
        "publish",
        "play",
        "stop",
        "unpublish",
    )
    assert platform.of("cam") == ["publish", "play", "stop", "unpublish"]
    assert platform.paths == {"/hooks/media/node-2"}
    assert platform.secrets == {SECRET}
    event = platform.last("cam", "stop")
    assert event.pop("at") > 1_700_000_000
    assert event == {
        "event": "stop",
        "app": "live",
        "stream": "cam",
        "client_id": "c-1",
        "address": "10.0.0.9",
        "query": "auth_key=x",
        "uid": "p7",
        "protocol": "flv",
        "reason": "left",
    }


def test_a_failure_is_repeated_and_keeps_its_place(platform: Platform) -> None:
    platform.failures = 2
    run(Hooks(media_config(platform_url=platform.url)), "publish", "unpublish")
    assert platform.of("cam") == ["publish", "unpublish"]


@pytest.mark.parametrize("answer", [{"code": 1}, {}, []])
def test_an_answer_that_is_no_success_is_given_up_after_three(
    platform: Platform, answer: dict[str, object]
) -> None:
    platform.answers["publish"] = answer
    hooks = Hooks(media_config(platform_url=platform.url))
    run(hooks, "publish", "play")
    assert platform.of("cam") == ["publish"] * 3 + ["play"]
    assert hooks.lost == 1


def test_the_queue_is_bounded_and_loses_the_oldest(platform: Platform) -> None:
    platform.hold = threading.Event()
    hooks = Hooks(media_config(platform_url=platform.url, limits=Limits(hook_queue=20)))

    async def go() -> None:
        await hooks.start()
        hooks.tell("first", KEY, CLIENT, {})
        while not platform.secrets:
            await asyncio.sleep(0.01)
        for number in range(30):
            hooks.tell(f"event-{number}", KEY, CLIENT, {})
        assert platform.hold is not None
        platform.hold.set()
        await hooks.stop(10)

    asyncio.run(go())
    assert platform.of("cam") == ["first", "event-25", "event-26", "event-27", "event-28", "event-29"]
    assert hooks.lost == 25


def test_a_silent_platform_does_not_hold_up_the_end(platform: Platform) -> None:
    platform.hold = threading.Event()
    run(Hooks(media_config(platform_url=platform.url)), "publish", seconds=0.1)
    assert platform.of("cam") == []
    until(lambda: platform.secrets == {SECRET})


def test_without_a_platform_nothing_is_told_or_asked() -> None:
    async def go() -> bool:
        hooks = Hooks(media_config())
        await hooks.start()
        hooks.tell("publish", KEY, CLIENT, {})
        answer = await hooks.ask(KEY, CLIENT)
        await hooks.stop(1)
        return answer

    assert asyncio.run(go()) is False
