"""What happens to the ffmpegs when they die, hang, or the gateway does."""

import os
import re
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.pusher import Cause, diagnose
from protocol.codes import Code
from tests.gateway.roadside import (
    DOME,
    FIXED,
    GatewayProcess,
    Sink,
    camera,
    command,
    gateway_in_thread,
    gateway_process,
    is_alive,
    pusher_to,
    sink,
    until,
    write_config,
)


def pushing(gateway: GatewayProcess, media: Sink, num: str = DOME) -> int:
    """Begin, wait for pictures, and give the ffmpeg's pid."""
    before = set(gateway.children())
    assert gateway.begin(num, command(media.port, media.name)).code == Code.OK
    media.until_frames(3)
    (pid,) = set(gateway.children()) - before
    return pid


def test_a_killed_ffmpeg_is_started_again(folder: Path, media: Sink) -> None:
    with gateway_process(folder) as gateway:
        pid = pushing(gateway, media)
        os.kill(pid, signal.SIGKILL)
        until(lambda: media.publishers == 2, what="second publisher")
        media.until_frames(3)
        assert gateway.children() != [pid]


def test_nothing_is_left_after_kill_9_of_the_gateway(folder: Path, media: Sink, clip: Path) -> None:
    # A clip: an ffmpeg that is fed by the gateway would end by itself.
    with gateway_process(folder, cameras=[camera(DOME, {"adapter": "file", "path": str(clip)})]) as gateway:
        pid = pushing(gateway, media)
        gateway.process.kill()
        until(lambda: not is_alive(pid), what="end of ffmpeg")


def test_sigterm_ends_the_gateway_and_its_ffmpegs_at_once(folder: Path, media: Sink) -> None:
    with gateway_process(folder) as gateway:
        pid = pushing(gateway, media)
        assert gateway.stop() == 0
        assert not is_alive(pid)
        assert "Traceback" not in gateway.log.read_text()


def test_a_stuck_ffmpeg_hurts_no_other_and_is_replaced(folder: Path, media: Sink) -> None:
    with gateway_in_thread(write_config(folder), stuck_seconds=2.0) as gateway, sink("/live/fixed") as other:
        assert gateway.begin(DOME, command(media.port)).code == Code.OK
        assert gateway.begin(FIXED, command(other.port, other.name)).code == Code.OK
        until(lambda: gateway.pushing == 2, what="progress of both")
        pid = pusher_to(media.port)
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        other.until_frames(5)
        assert is_alive(pid)
        until(lambda: not is_alive(pid), what="end of the stuck ffmpeg")
        until(lambda: media.publishers == 2, what="second publisher")


@contextmanager
def deaf_server() -> Iterator[int]:
    """Accepts and never says a word."""
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            try:
                while True:
                    taken.append(server.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()
            for connection in taken:
                connection.close()


def test_a_media_server_that_never_answers_is_left_when_told(folder: Path) -> None:
    with deaf_server() as port, gateway_process(folder) as gateway:
        assert gateway.begin(DOME, command(port)).code == Code.OK
        (pid,) = until(gateway.children, what="ffmpeg")
        assert gateway.finish(DOME).code == Code.OK
        assert not is_alive(pid)


def test_new_authorisation_is_used_from_the_next_start_on(folder: Path, media: Sink) -> None:
    with gateway_process(folder) as gateway:
        pid = pushing(gateway, media)
        renewed = command(media.port, authInfo="auth_key=renewed")
        assert gateway.begin(DOME, renewed).code == Code.ALREADY_PUSHING
        assert "renewed" not in Path(f"/proc/{pid}/cmdline").read_text()
        os.kill(pid, signal.SIGKILL)
        until(lambda: media.publishers == 2, what="second publisher")
        (pid,) = gateway.children()
        assert "auth_key=renewed" in Path(f"/proc/{pid}/cmdline").read_text()
        # A credential: it stands in no log.
        assert "renewed" not in gateway.log.read_text()


def test_a_media_server_that_comes_back_is_found_soon(folder: Path) -> None:
    with sink() as media, gateway_process(folder) as gateway:
        pushing(gateway, media)
        port = media.port
        media.close()
        until(lambda: not gateway.children(), what="end of ffmpeg")
        back = Sink(port=port)
        try:
            back.until_frames(3)
        finally:
            back.close()


def test_blame() -> None:
    opening = "[in#0 @ 0x1] [error] Error opening input: Connection refused"
    assert diagnose([opening], has_sent=False).cause is Cause.SOURCE
    closing = "[out#0/flv @ 0x1] [error] Error opening output rtmp://x: Input/output error"
    assert diagnose([closing], has_sent=False).cause is Cause.SINK
    broken = "[flv @ 0x1] [error] av_interleaved_write_frame(): Broken pipe"
    assert diagnose([broken, "Conversion failed!"], has_sent=True).cause is Cause.SINK
    encoder = "[vost#0:0/libx264] [error] Error while opening encoder"
    assert diagnose([encoder], has_sent=False).cause is Cause.ENCODER
    soundtrack = "[fatal] Stream map '' matches no streams."
    said = "[fatal] Error opening output files: Invalid argument"
    assert diagnose([soundtrack, said], has_sent=False).cause is Cause.SOURCE
    rubbish = "[dec:h264 @ 0x1] [error] Decoding error: Invalid data found when processing input"
    empty = "[out#0/flv @ 0x1] [warning] Output file is empty, nothing was encoded"
    assert diagnose([rubbish, empty], has_sent=False).cause is Cause.SOURCE
    assert diagnose([], has_sent=False).cause is Cause.ENCODER
    assert diagnose([], has_sent=True).cause is Cause.SOURCE


@pytest.mark.parametrize("has_sent", [False, True])
@pytest.mark.parametrize(
    "said",
    [
        "[in#0 @ 0x1] [error] Error opening input: Input/output error",
        "[in#0 @ 0x1] [error] Error opening input: Connection refused",
        "[out#0/flv @ 0x1] [error] Error opening output rtmp://x: Input/output error",
        "[vost#0:0/libx264] [error] Error while opening encoder",
        "[dec:h264 @ 0x1] [error] Decoding error: Invalid data found when processing input",
        "[fatal] Something that nobody has seen yet",
    ],
)
def test_users_are_told_in_chinese_and_the_log_has_ffmpegs_own_words(said: str, *, has_sent: bool) -> None:
    failure = diagnose([said], has_sent=has_sent)
    assert failure.reason
    assert not re.search(r"[A-Za-z]", failure.reason)
    assert failure.said == said
