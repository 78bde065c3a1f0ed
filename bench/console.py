"""How long people wait for the console.

    python bench/console.py [--json] [--cameras 20000] [--only import|search|screen]

`import_20000_s`: a sheet of as many rows is uploaded and its preview is on the screen; a tenth of the rows changed,
a twentieth new, a hundredth wrong. The rival opens the same file with openpyxl, reads its cells and does nothing with
them, where openpyxl is installed (it is none of our packages).
"""

import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.console_screen import screen_rows, search_rows
from bench.harness import Row, arguments, manage, report, workplace

ROUNDS = 3


def main() -> None:
    parser = arguments(__doc__ or "")
    parser.add_argument("--cameras", type=int, default=20_000, help="cameras in the ledger")
    parser.add_argument("--only", default="", help="one group of rows")
    options = parser.parse_args()
    with workplace() as environment:
        manage(environment, "fill_ledger", "--cameras", str(options.cameras), "--seed", "1")
        os.environ.update(environment)
        import django

        django.setup()
        groups: dict[str, Callable[[], list[Row]]] = {
            "import": _import_rows,
            "search": lambda: search_rows(_client()),
            "screen": lambda: screen_rows(environment),
        }
        rows = [row for name, group in groups.items() if name.startswith(options.only) for row in group()]
    report(rows, as_json=options.json)


def _client() -> Any:
    from django.test import Client

    from access.models import User

    client = Client(HTTP_HOST="127.0.0.1")
    client.force_login(User.objects.get_or_create(username="bench", is_superuser=True)[0])
    return client


def _import_rows() -> list[Row]:
    from cameras.models import LedgerImport

    client, content = _client(), _sheet()
    took = []
    for _ in range(ROUNDS):
        file = io.BytesIO(content)
        file.name = "ledger.xlsx"
        began = time.perf_counter()
        response = client.post("/ledger/import/", {"file": file}, follow=True)
        took.append(time.perf_counter() - began)
        assert response.status_code == 200, response.status_code
    made = LedgerImport.objects.latest("pk")
    counts = made.summary["counts"]
    assert all(counts.get(kind) for kind in ("new", "changed", "same", "wrong")), counts
    began = time.perf_counter()
    client.post(f"/ledger/import/{made.pk}/commit/", {"skips_wrong": "1"})
    committed = time.perf_counter() - began
    made.refresh_from_db()
    assert made.state == "committed", made.state
    ours = statistics.median(took)
    return [
        Row("import_20000_s", "s", ours, _rival(content), "<= 10", ours <= 10),
        Row("import_commit_s", "s", committed, None, "<= 10", committed <= 10),
    ]


def _sheet() -> bytes:
    """The export, filled in further."""
    from cameras.models import Camera
    from cameras.workbooks import camera_rows, write_workbook

    rows = [dict(row) for row in camera_rows(Camera.objects.order_by("pk"))]
    for index, row in enumerate(rows):
        if index % 10 == 0:
            row["poi_name"] = f"{row['poi_name']}改"
        elif index % 20 == 1:
            row["number"] = ""
        elif index % 100 == 2:
            row["stake"] = "1100"
    file = io.BytesIO()
    write_workbook(file, rows)
    return file.getvalue()


def _rival(content: bytes) -> float | None:
    try:
        import openpyxl  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return None
    began = time.perf_counter()
    book = openpyxl.load_workbook(io.BytesIO(content))
    cells = sum(len(row) for row in book.worksheets[0].iter_rows(values_only=True))
    assert cells > 0
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
