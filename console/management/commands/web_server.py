"""Runs pages and interface with what the settings say: checks first, then granian takes over the process."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


def granian_arguments(*, host: str, port: int, workers: int, threads: int) -> list[str]:
    arguments = [
        *("--interface", "wsgi", "--host", host, "--port", str(port)),
        *("--workers", str(workers), "--blocking-threads", str(threads)),
        *("--respawn-failed-workers", "--workers-kill-timeout", "2", "--log-level", "warning"),
    ]
    if settings.TLS_CERT_FILE:
        arguments += ["--ssl-certificate", settings.TLS_CERT_FILE, "--ssl-keyfile", settings.TLS_KEY_FILE]
        # Left alone granian refuses TLS 1.2, and with it many a client in the field.
        arguments += ["--ssl-protocol-min", "tls1.2"]
    return [*arguments, "province.wsgi:application"]


class Command(BaseCommand):
    help = "运行网页与接口；设置了 TLS_CERT_FILE 时为 HTTPS"
    # The servers' rows as well: a page over HTTPS plays nothing that comes over HTTP.
    requires_system_checks = "__all__"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="进程数")
        parser.add_argument("--threads", type=int, default=16, help="每个进程的线程数")

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(databases=["default"])
        arguments = granian_arguments(
            host=options["host"],
            port=options["port"],
            workers=options["workers"],
            threads=options["threads"],
        )
        os.execv(sys.executable, [sys.executable, "-m", "granian", *arguments])  # noqa: S606 - no shell wanted
