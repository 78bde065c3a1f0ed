"""ffmpegs start one after the other, the urgent first."""

import asyncio
import time

from gateway.gate import StartGate, Urgency


def test_no_more_than_so_many_in_a_second() -> None:
    async def pass_through() -> float:
        gate = StartGate(50)
        begun = time.monotonic()
        await asyncio.gather(*(gate.wait() for _ in range(6)))
        return time.monotonic() - begun

    assert asyncio.run(pass_through()) >= 0.1


def test_the_urgent_go_first_and_who_waits_no_more_takes_no_place() -> None:
    async def pass_through() -> list[str]:
        gate = StartGate(50)
        passed: list[str] = []

        async def one(name: str, urgency: Urgency) -> None:
            await gate.wait(urgency)
            passed.append(name)

        order = [
            ("first", Urgency.MEASURE),
            ("measure", Urgency.MEASURE),
            ("look", Urgency.LOOK),
            ("push", Urgency.PUSH),
            ("gone", Urgency.PUSH),
            ("later push", Urgency.PUSH),
        ]
        tasks = [asyncio.create_task(one(*given)) for given in order]
        await asyncio.sleep(0)
        tasks[4].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return passed

    assert asyncio.run(pass_through()) == ["first", "push", "later push", "look", "measure"]
