"""manage.py verify_case_file FILE: whether an exported case is as it left this platform."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from access.days import ZONE
from cases.services.verifying import verify_archive

_MOST_SHOWN = 50


class Command(BaseCommand):
    help = "核对导出的卷宗：逐个文件与清单比对 SM3，清单与本平台的导出记录比对"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="导出的 ZIP 文件")
        parser.add_argument("--alone", action="store_true", help="只比对文件与清单，不比对本平台的导出记录")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            verdict = verify_archive(options["file"])
        except OSError as error:
            raise CommandError(f"无法读取：{error}") from error
        for fault in verdict.faults[:_MOST_SHOWN]:
            self.stderr.write(fault)
        if verdict.faults:
            raise CommandError(f"卷宗与导出时不同：{len(verdict.faults)} 处")
        self.stdout.write(f"{verdict.files} 个文件与清单一致，清单 SM3 {verdict.manifest_sm3}")
        if options["alone"]:
            return
        if verdict.export is None:
            raise CommandError("这份清单不在本平台的导出记录中：不是本平台导出的，或清单已被改换")
        export = verdict.export
        self.stdout.write(f"与 {export.by} 于 {export.at.astimezone(ZONE):%Y-%m-%d %H:%M:%S} 导出的卷宗 {export.case} 相同")
