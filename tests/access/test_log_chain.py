"""The chain over the behaviour log finds what was done to it, and says where (threats.md 17)."""

import io
import json
import socket
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone

from access.actors import SYSTEM, Actor
from access.choices import ActorKind, Outcome
from access.models import Alarm, BehaviourLog, LogAnchor, LogBlock
from access.services import log_chain
from access.services.log_anchors import anchor_file, anchor_head, read_anchors
from access.services.log_chain import FORGET_VERB, forget_old_rows, seal_log, seal_through
from access.services.log_verification import verify_log
from access.services.logs import record

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def outside(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Short blocks, and a folder for the anchors."""
    monkeypatch.setattr(log_chain, "MOST_ROWS", 4)
    settings.LOG_ANCHOR_FOLDER = tmp_path / "outside"
    cache.delete("log-chain:mark")
    return tmp_path / "outside"


def write(count: int) -> list[BehaviourLog]:
    before = BehaviourLog.objects.aggregate(Max("id"))["id__max"] or 0
    for number in range(count):
        actor = Actor(ActorKind.STAFF, 7, "王工", "10.1.2.3") if number % 2 else SYSTEM
        detail = {"z": 1.5, "方式": "flv", "a": [None, {"b": "\ud83d\ude00", "k": 2**70}]}
        record(actor, "云台控制", object_kind="camera", object_id=number, outcome=Outcome.DONE, detail=detail)
    return list(BehaviourLog.objects.filter(id__gt=before).order_by("id"))


def seal() -> None:
    seal_through(BehaviourLog.objects.aggregate(Max("id"))["id__max"] or 0)


@pytest.fixture
def rows() -> list[BehaviourLog]:
    """Ten rows in three blocks."""
    written = write(10)
    seal()
    return written


def flaws(*, with_anchors: bool = True) -> list[str]:
    anchors = read_anchors(anchor_file()) if with_anchors and anchor_file().exists() else []
    return [flaw.what for flaw in verify_log(list(anchors)).flaws]


def words() -> str:
    return " ".join(flaw.words for flaw in verify_log(list(read_anchors(anchor_file()))).flaws)


def by_hand(statement: str, *params: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)


# Intact -------------------------------------------------------------------------------------------


def test_what_was_written_is_found_again(rows: list[BehaviourLog]) -> None:
    verified = verify_log()
    assert (verified.rows, verified.blocks, verified.flaws, verified.unsealed) == (10, 3, [], 0)
    write(1)
    assert verify_log().unsealed == 1
    # A gap in the ids, as every transaction that is rolled back leaves one, is nothing.
    by_hand("SELECT nextval(pg_get_serial_sequence('access_behaviourlog', 'id'))")
    write(1)
    seal()
    assert flaws() == []


def test_sealing_again_does_nothing(rows: list[BehaviourLog]) -> None:
    seal()
    assert LogBlock.objects.count() == 3


# Altered ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        "outcome = 'refused'",
        "actor_name = '李工'",
        "actor_id = 8",
        "actor_id = NULL",
        "address = NULL",
        "at = at + interval '1 microsecond'",
        "object_id = '9'",
        "reason = ' '",
        """detail = jsonb_set(detail, '{a,1,k}', '0')""",
        "detail = '{}'",
    ],
)
def test_an_edit_is_found_to_the_row(change: str, rows: list[BehaviourLog]) -> None:
    by_hand(f"UPDATE access_behaviourlog SET {change} WHERE id = %s", rows[5].pk)  # noqa: S608
    (flaw,) = verify_log().flaws
    assert flaw.what == "row-edited" and f"日志 {rows[5].pk} 被改动" in flaw.words and "封存块 2" in flaw.words


def test_a_deletion_is_found_to_the_row(rows: list[BehaviourLog]) -> None:
    by_hand("DELETE FROM access_behaviourlog WHERE id IN (%s, %s)", rows[1].pk, rows[9].pk)
    first, last = verify_log().flaws
    assert f"日志 {rows[1].pk} 被删除" in first.words and f"日志 {rows[9].pk} 被删除" in last.words


def test_an_insertion_into_a_gap_is_found(rows: list[BehaviourLog]) -> None:
    by_hand("SELECT nextval(pg_get_serial_sequence('access_behaviourlog', 'id'))")
    write(2)
    seal()
    gap = rows[-1].pk + 1
    by_hand(
        "INSERT INTO access_behaviourlog SELECT %s, at, actor_kind, actor_id, actor_name, verb, object_kind,"
        " object_id, object_name, address, outcome, reason, detail FROM access_behaviourlog WHERE id = %s",
        *(gap, rows[0].pk),
    )
    (flaw,) = verify_log().flaws
    assert flaw.what == "row-inserted" and f"日志 {gap} 是事后插入的" in flaw.words


def test_two_rows_that_changed_places_are_found(rows: list[BehaviourLog]) -> None:
    for old, new in ((rows[4].pk, -1), (rows[5].pk, rows[4].pk), (-1, rows[5].pk)):
        by_hand("UPDATE access_behaviourlog SET id = %s WHERE id = %s", new, old)
    assert flaws() == ["row-edited"]


def test_a_block_that_was_sealed_anew_without_the_key_is_found(rows: list[BehaviourLog]) -> None:
    row = BehaviourLog.objects.filter(pk=rows[5].pk)
    row.update(actor_name="李工")
    block = LogBlock.objects.get(number=2)
    (changed,) = log_chain.read_rows(rows[5].pk - 1, rows[5].pk)
    entries = log_chain.entries_of(block)
    entries[rows[5].pk] = log_chain.row_digest(b"guessed", changed)
    block.entries = b"".join(log_chain._ENTRY.pack(*entry) for entry in entries.items())
    block.digest = log_chain.block_digest(b"guessed", block, LogBlock.objects.get(number=1).digest)
    block.save()
    # And the next one no longer joins.
    assert flaws() == ["block-altered", "row-edited", "block-altered"]


@pytest.mark.parametrize("change", ["last_id = last_id - 1", "first_id = first_id + 1", "sealed_at = now()"])
def test_the_head_of_a_block_is_sealed_too(change: str, rows: list[BehaviourLog]) -> None:
    by_hand(f"UPDATE access_logblock SET {change} WHERE number = 2")  # noqa: S608
    assert "block-altered" in flaws()


def test_a_whole_block_that_is_gone_is_found(rows: list[BehaviourLog]) -> None:
    block = LogBlock.objects.get(number=2)
    by_hand("DELETE FROM access_behaviourlog WHERE id BETWEEN %s AND %s", block.first_id, block.last_id)
    block.delete()
    (flaw,) = verify_log().flaws
    assert flaw.what == "block-missing" and "封存块 2 至 2 缺失" in flaw.words


def test_numbers_pulled_together_over_a_gap_are_found(rows: list[BehaviourLog]) -> None:
    block = LogBlock.objects.get(number=2)
    by_hand("DELETE FROM access_behaviourlog WHERE id BETWEEN %s AND %s", block.first_id, block.last_id)
    block.delete()
    by_hand("UPDATE access_logblock SET number = 2 WHERE number = 3")
    assert flaws() == ["block-altered", "block-altered"]


# Anchors ------------------------------------------------------------------------------------------


def cut_tail() -> None:
    block = LogBlock.objects.get(number=3)
    by_hand("DELETE FROM access_behaviourlog WHERE id >= %s", block.first_id)
    block.delete()


def test_a_cut_tail_is_found_by_the_anchor_alone(rows: list[BehaviourLog]) -> None:
    anchor_head()
    assert flaws() == []
    cut_tail()
    assert flaws(with_anchors=False) == []
    assert flaws() == ["tail-cut"]
    assert "已到封存块 3，库中只到 2" in words()


def test_a_tail_that_grew_again_is_found_as_well(rows: list[BehaviourLog]) -> None:
    anchor_head()
    cut_tail()
    write(3)
    seal()
    assert flaws() == ["anchor-differs"]


def test_everything_gone_is_found(rows: list[BehaviourLog]) -> None:
    anchor_head()
    by_hand("TRUNCATE access_logblock, access_behaviourlog")
    assert flaws() == ["tail-cut"]


@pytest.mark.parametrize("field", ["number", "digest", "at", "signature"])
def test_a_forged_line_of_the_file_is_refused(field: str, rows: list[BehaviourLog]) -> None:
    anchor_head()
    told = json.loads(anchor_file().read_text())
    if field == "number":
        told[field] += 1
    else:
        told[field] = ("1" if told[field][0] != "1" else "2") + told[field][1:]
    anchor_file().write_text(json.dumps(told) + "\n")
    with pytest.raises(CommandError, match="第 1 行"):
        call_command("verify_log")
    for junk in ("{}", "[]", "x", '{"at": 1, "number": "x", "digest": 0, "signature": null}'):
        anchor_file().write_text(f"{junk}\n")
        with pytest.raises(CommandError, match="第 1 行"):
            call_command("verify_log")


def test_the_file_only_grows_and_the_next_head_stands_behind_it(rows: list[BehaviourLog]) -> None:
    anchor_head()
    write(4)
    seal()
    anchor_head()
    assert [anchor.number for anchor in read_anchors(anchor_file())] == [3, 4]
    assert list(LogAnchor.objects.values_list("number", "places")) == [(n, [str(anchor_file())]) for n in (4, 3)]


def test_a_place_that_takes_nothing_is_an_alarm_until_it_does(
    rows: list[BehaviourLog], outside: Path, settings: LazySettings
) -> None:
    outside.write_text("a file where a folder should be")
    anchor_head()
    alarm = Alarm.objects.get(key="log-chain:anchor")
    assert (alarm.title, alarm.closed_at) == ("行为日志锚点未能写出", None)
    outside.unlink()
    settings.LOG_ANCHOR_SYSLOG = "nonsense"
    anchor_head()
    settings.LOG_ANCHOR_SYSLOG = ""
    anchor_head()
    alarm.refresh_from_db()
    assert alarm.closed_at is not None


def test_syslog_is_told_as_well(rows: list[BehaviourLog], settings: LazySettings) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(5)
        settings.LOG_ANCHOR_SYSLOG = f"127.0.0.1:{server.getsockname()[1]}"
        anchor_head()
        told = server.recv(2000).decode()
    assert told.startswith("<109>1 ")
    assert json.loads(told[told.index("{") :]) == json.loads(anchor_file().read_text())


# Retention ----------------------------------------------------------------------------------------


def age(rows: list[BehaviourLog], days: int) -> None:
    """As if they had been written and sealed so long ago."""
    LogBlock.objects.all().delete()
    at = timezone.now() - timedelta(days=days)
    BehaviourLog.objects.filter(pk__in=[row.pk for row in rows]).update(at=at)
    seal()


def test_retention_leaves_a_chain_that_can_be_followed(rows: list[BehaviourLog]) -> None:
    age(rows[:8], days=401)
    assert forget_old_rows() == 8
    assert list(LogBlock.objects.values_list("number", flat=True)) == [3]
    seal()
    assert (flaws(), BehaviourLog.objects.filter(verb=FORGET_VERB).count()) == ([], 1)
    assert forget_old_rows() == 0
    # What goes beyond it is found.
    write(8)
    seal()
    LogBlock.objects.filter(number=3).delete()
    assert "block-missing" in flaws()


@pytest.mark.parametrize(("keep", "days", "dropped"), [(1, 179, 0), (1, 181, 8), (400, 399, 0)])
def test_nothing_younger_than_180_days_is_dropped_whatever_is_set(
    keep: int, days: int, dropped: int, rows: list[BehaviourLog], settings: LazySettings
) -> None:
    settings.LOG_KEEP_DAYS = keep
    age(rows[:8], days)
    assert forget_old_rows() == dropped


def test_an_old_part_that_somebody_dropped_too_early_is_found(rows: list[BehaviourLog]) -> None:
    anchor_head()
    write(4)
    seal()
    LogBlock.objects.filter(number__lte=3).delete()
    by_hand("DELETE FROM access_behaviourlog WHERE id <= %s", rows[-1].pk)
    assert flaws(with_anchors=False) == ["block-missing"]
    # Even with a row that says retention did it.
    digest = LogAnchor.objects.get().digest
    record(SYSTEM, FORGET_VERB, detail={"through_block": 3, "digest": digest})
    assert flaws(with_anchors=False) == []
    assert flaws() == ["head-cut"]


# Keys, command ------------------------------------------------------------------------------------


def test_the_key_may_change(rows: list[BehaviourLog], settings: LazySettings) -> None:
    settings.LOG_CHAIN_OLD_KEYS = [settings.LOG_CHAIN_KEY]
    settings.LOG_CHAIN_KEY = "another"
    write(4)
    seal()
    assert flaws() == []
    settings.LOG_CHAIN_OLD_KEYS = []
    assert flaws() == ["key-missing"] * 3


def run(**options: Any) -> str:
    output = io.StringIO()
    call_command("verify_log", stdout=output, **options)
    return output.getvalue()


def test_the_command_says_what_it_looked_at(rows: list[BehaviourLog], outside: Path) -> None:
    assert "没有锚点" in run()
    anchor_head()
    assert "核对 10 行、3 块、1 个锚点；最新封存块 3，尚未封存 0 行\n完好" in run()
    elsewhere = outside.parent / "copy.jsonl"
    anchor_file().rename(elsewhere)
    assert "1 个锚点" in run(anchors=elsewhere)
    assert len(run(public_key=True).strip()) == 128
    by_hand("DELETE FROM access_behaviourlog WHERE id = %s", rows[0].pk)
    with pytest.raises(CommandError, match="发现 1 处不符"):
        run(anchors=elsewhere)
    with pytest.raises(CommandError, match="No such file"):
        run(anchors=outside / "nowhere")


# While others write --------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_row_that_is_not_committed_yet_holds_the_seal_back_and_is_in_it_afterwards() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow_writer() -> None:
        with transaction.atomic():
            record(SYSTEM, "slow")
            begun.set()
            go_on.wait(20)
        connection.close()

    write(1)
    thread = threading.Thread(target=slow_writer)
    thread.start()
    begun.wait(20)
    # Its id is larger than that of the row that is still open.
    write(1)
    for _ in range(4):
        seal_log()
    assert not LogBlock.objects.exists()
    go_on.set()
    thread.join()
    for _ in range(4):
        seal_log()
    assert LogBlock.objects.get().rows == 3
    assert verify_log().flaws == []


@pytest.mark.django_db(transaction=True)
def test_two_who_seal_at_once_seal_once() -> None:
    write(8)

    def sealer() -> None:
        seal_log()
        connection.close()

    for _ in range(4):
        threads = [threading.Thread(target=sealer) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert list(LogBlock.objects.values_list("rows", flat=True)) == [4, 4]
    assert verify_log().flaws == []
