"""Runs pages and interface with what the settings say: checks first, then granian takes over the process."""

import os
import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from deploy.web import granian_arguments


def web_arguments(*, host: str, port: int, workers: int) -> list[str]:
    return granian_arguments(
        host=host,
        port=port,
        workers=workers,
        # At "warning" it complains of the many threads, most of which sleep.
        log_level="error",
        cert_file=settings.TLS_CERT_FILE,
        key_file=settings.TLS_KEY_FILE,
    )


class Command(BaseCommand):
    help = "运行网页与接口；设置了 TLS_CERT_FILE 时为 HTTPS"
    # The servers' rows as well: a page over HTTPS plays nothing that comes over HTTP.
    requires_system_checks = "__all__"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--workers", type=int, default=2, help="进程数")

    def handle(self, *args: Any, **options: Any) -> None:
        self.check(databases=["default"])
        arguments = web_arguments(
            host=options["host"], port=options["port"], workers=options["workers"]
        )
        os.execv(sys.executable, [sys.executable, "-m", "granian", *arguments])  # noqa: S606 - no shell wanted
