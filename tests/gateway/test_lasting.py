"""Work in the background goes on after a mistake."""

import asyncio
import logging

import pytest

from gateway.lasting import lasting


def test_work_that_fails_is_begun_anew_and_its_failure_logged(caplog: pytest.LogCaptureFixture) -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(len(begun))
        if len(begun) < 3:
            raise ZeroDivisionError("odd")

    asyncio.run(lasting("checking", work, pause_seconds=0.01))
    assert begun == [0, 1, 2]
    assert [record.message for record in caplog.records if record.levelno == logging.ERROR] == [
        "checking failed",
        "checking failed",
    ]
    assert "ZeroDivisionError" in caplog.text


def test_work_that_is_cancelled_is_not_begun_anew() -> None:
    begun: list[int] = []

    async def work() -> None:
        begun.append(1)
        await asyncio.Event().wait()

    async def cancel() -> None:
        task = asyncio.create_task(lasting("checking", work))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancel())
    assert begun == [1]
