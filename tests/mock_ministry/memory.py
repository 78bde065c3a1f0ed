"""What the ministry was told, kept in SQLite so that a restart (or kill -9) forgets nothing it acknowledged."""

import json
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Json = dict[str, Any]

NEWEST_ANALYSES = 1000


class Table:
    """One kind of thing by key: read from memory, written through."""

    def __init__(self, database: sqlite3.Connection, kind: str) -> None:
        self._database = database
        self._kind = kind
        rows = database.execute("SELECT key, value FROM thing WHERE kind = ? ORDER BY rowid", (kind,))
        self.rows: dict[str, Any] = {key: json.loads(value) for key, value in rows}

    def put(self, things: Iterable[tuple[str, Any]]) -> None:
        changed = dict(things)
        self.rows |= changed
        self._database.executemany(
            "INSERT INTO thing (kind, key, value) VALUES (?, ?, ?) "
            "ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            [(self._kind, key, json.dumps(value, ensure_ascii=False)) for key, value in changed.items()],
        )
        self._database.commit()

    def remove(self, keys: Iterable[str]) -> None:
        gone = [key for key in keys if self.rows.pop(key, None) is not None]
        self._database.executemany(
            "DELETE FROM thing WHERE kind = ? AND key = ?", [(self._kind, key) for key in gone]
        )
        self._database.commit()


class Memory:
    def __init__(self, file: Path | None, *, most_analyses: int = NEWEST_ANALYSES) -> None:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(str(file) if file else ":memory:")
        # Enough against a killed process; a power cut is not tried here.
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute(
            "CREATE TABLE IF NOT EXISTS thing (kind TEXT, key TEXT, value TEXT, PRIMARY KEY (kind, key))"
        )
        self._database = database
        self.cameras = Table(database, "camera")
        self.statuses = Table(database, "status")
        self.qualities = Table(database, "quality")
        self.analyses = Table(database, "analysis")
        self.tokens = Table(database, "token")
        self._most_analyses = most_analyses

    def add_analyses(self, items: list[Json]) -> None:
        # The keys rise, and rows stand in the order in which they came.
        start = int(next(reversed(self.analyses.rows), "0")) + 1
        self.analyses.put((f"{start + offset:012d}", item) for offset, item in enumerate(items))
        surplus = len(self.analyses.rows) - self._most_analyses
        self.analyses.remove(list(self.analyses.rows)[: max(surplus, 0)])

    def forget_cameras(self, keys: list[str]) -> None:
        for table in (self.cameras, self.statuses, self.qualities):
            table.remove(keys)

    def state(self) -> Json:
        departments: dict[str, int] = {}
        for camera in self.cameras.rows.values():
            departments[camera["department"]] = departments.get(camera["department"], 0) + 1

        def by_number(table: Table) -> Json:
            return {
                self.cameras.rows[key]["cameraNum"]: value
                for key, value in table.rows.items()
                if key in self.cameras.rows
            }

        return {
            "cameras": list(self.cameras.rows.values()),
            "statuses": by_number(self.statuses),
            "qualities": by_number(self.qualities),
            "analysis": list(self.analyses.rows.values()),
            "departments": departments,
        }

    def close(self) -> None:
        self._database.close()
