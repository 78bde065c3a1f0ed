"""An exported case: what is in it, that it is never in memory as a whole, and that any change to it is found."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from access.choices import ActorKind, Outcome
from access.models import Alarm, BehaviourLog, Organisation, User
from access.services.alarms import raise_alarm
from access.services.logs import record
from cameras.choices import OnlineStatus, StatusSource
from cameras.models import Camera, StatusChange
from cases.models import CaseExport, CaseFile
from cases.records import alarms
from cases.services.exports import INDEX, MANIFEST, export_case
from cases.services.files import add_note
from cases.services.verifying import verify_archive
from cases.tables import entries_of
from protocol.sm2 import sm3
from ptz.choices import PtzAction, PtzLevel, PtzOutcome
from ptz.models import PtzOrder
from snapshots.capture.store import held_name
from snapshots.choices import SnapshotResult
from snapshots.storage.contract import pictures
from tests.cases.scene import EVENT, JPEG, WANG, begin, deny, stand, take

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(camera: Camera) -> CaseFile:
    """Two pictures and a gap known by its reason; somebody turned and watched the camera, and it was away for a while."""
    for number in (-1, 0):
        take(camera, number)
    take(camera, 1, SnapshotResult.OFFLINE)
    order = PtzOrder.objects.create(
        camera=camera,
        level=PtzLevel.PROVINCE,
        actor_kind=ActorKind.STAFF,
        actor_name="=王工",
        action=PtzAction.LEFT,
        step=4,
        outcome=PtzOutcome.DONE,
    )
    PtzOrder.objects.filter(pk=order.pk).update(at=EVENT)
    for verb, minutes, detail in (
        ("查看视频", 3, {"码流": "低"}),
        ("结束观看", 40, {"秒": 1200}),
        ("结束观看", 90, {"秒": 600}),
        ("登录", 1, {}),
    ):
        record(WANG, verb, object_kind="camera", object_id=camera.pk, object_name=camera.name, detail=detail)
        BehaviourLog.objects.filter(pk=BehaviourLog.objects.latest("id").pk).update(
            at=EVENT + timedelta(minutes=minutes)
        )
    for minutes, status in ((-300, OnlineStatus.ONLINE), (4, OnlineStatus.OFFLINE), (9, OnlineStatus.ONLINE)):
        at = EVENT + timedelta(minutes=minutes)
        StatusChange.objects.create(camera=camera, at=at, status=status, source=StatusSource.STREAM, reason="断流")
    raise_alarm(key="gateway", title="网关掉线", organisation=camera.organisation)
    raise_alarm(key="disk", title="磁盘将满")
    Alarm.objects.update(began_at=EVENT, opened_at=EVENT)
    case = begin(camera)
    add_note(case=case, text="<b>占用</b>应急车道", actor=WANG)
    return case


def written(case: CaseFile, folder: Path, user: User | None = None) -> Path:
    """For somebody who may see everything, unless for `user`."""
    path = folder / "case.zip"
    user = user or User(is_active=True, is_superuser=True)
    path.write_bytes(b"".join(export_case(case=case, user=user, actor=WANG).pieces))
    return path


def rows(archive: zipfile.ZipFile, name: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(archive.read(f"records/{name}.csv").decode("utf-8-sig"))))


def test_everything_of_a_case_is_in_its_zip(case: CaseFile, tmp_path: Path) -> None:
    archive = zipfile.ZipFile(written(case, tmp_path))
    assert archive.testzip() is None
    folder = "pictures/01_G2_K1100+300_上行"
    assert archive.namelist()[:2] == [f"{folder}/20261122_095500.jpg", f"{folder}/20261122_100000.jpg"]
    assert archive.read(f"{folder}/20261122_100000.jpg") == JPEG
    assert archive.namelist()[-2:] == [INDEX, MANIFEST]
    ((_, *_, outcome, _, _),) = rows(archive, "云台")[1:]
    assert (rows(archive, "云台")[1][6], outcome) == ("'=王工", "成功")
    # What began in the time of the case, and what reached into it; not what was over before or began after.
    assert [(row[0][11:], row[6]) for row in rows(archive, "观看")[1:]] == [
        ("10:04:00", "查看视频"),
        ("10:41:00", "结束观看"),
    ]
    assert [row[7] for row in rows(archive, "状态")[1:]] == ["在线", "离线", "在线"]
    assert [row[3] for row in rows(archive, "告警")[1:]] == ["网关掉线"]
    gaps = {row[5]: row[6] for row in rows(archive, "缺失时段")[1:]}
    assert (len(gaps), gaps["2026-11-22 10:05:00"]) == (11, "摄像机离线")
    assert rows(archive, "记录")[1][1:] == ["王工", "<b>占用</b>应急车道"]


def test_alarms_of_others_are_not_in_it(
    case: CaseFile, office: Organisation, operator: User, outsider: User, tmp_path: Path
) -> None:
    denied = stand(office, 5)
    deny(denied, operator)
    raise_alarm(key="one", title=f"{denied.name}：离线", organisation=office, camera_id=denied.pk)
    Alarm.objects.update(began_at=EVENT, opened_at=EVENT)
    assert denied.name in zipfile.ZipFile(written(case, tmp_path)).read(INDEX).decode()
    archive = zipfile.ZipFile(written(case, tmp_path, operator))
    assert denied.name not in archive.read(INDEX).decode()
    assert [row[3] for row in rows(archive, "告警")[1:]] == ["网关掉线"]
    assert [alarm.title for alarm in alarms(operator, list(entries_of(case)))] == ["网关掉线"]
    assert not alarms(outsider, list(entries_of(case)))


def test_the_page_in_it_needs_nothing_from_elsewhere(case: CaseFile, tmp_path: Path) -> None:
    page = zipfile.ZipFile(written(case, tmp_path)).read(INDEX).decode()
    assert "货车追尾" in page
    assert "&lt;b&gt;占用&lt;/b&gt;应急车道" in page
    assert 'src="pictures/01_G2_K1100%2B300_%E4%B8%8A%E8%A1%8C/20261122_100000.jpg"' in page
    assert "http" not in page
    assert "<script" not in page


def test_the_manifest_has_a_line_for_every_other_file(case: CaseFile, tmp_path: Path) -> None:
    archive = zipfile.ZipFile(written(case, tmp_path))
    lines = archive.read(MANIFEST).decode().splitlines()
    assert lines == [f"{sm3(archive.read(name)).hex()}  {name}" for name in archive.namelist()[:-1]]
    export = CaseExport.objects.get()
    assert (export.files, export.pictures) == (len(lines), 2)
    assert export.manifest_sm3 == sm3(archive.read(MANIFEST)).hex()
    first, last = BehaviourLog.objects.filter(verb__startswith="导出卷宗").get(), BehaviourLog.objects.latest("id")
    assert (first.outcome, last.verb) == (Outcome.DONE, "卷宗导出完成")
    assert last.detail["清单 SM3"] == export.manifest_sm3


def test_who_hangs_up_has_no_export_that_is_known(case: CaseFile) -> None:
    pieces = export_case(case=case, user=User(is_superuser=True), actor=WANG).pieces
    next(pieces)
    pieces.close()  # type: ignore[attr-defined]
    assert CaseExport.objects.get().manifest_sm3 == ""


def repacked(path: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """The same ZIP after somebody changed its files."""
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def first_picture(files: dict[str, bytes]) -> str:
    return next(name for name in files if name.startswith("pictures/"))


def change_picture(files: dict[str, bytes]) -> None:
    name = first_picture(files)
    files[name] = files[name][:-3] + b"\x00\xff\xd9"


def drop_picture(files: dict[str, bytes]) -> None:
    del files[first_picture(files)]


def add_file(files: dict[str, bytes]) -> None:
    files["pictures/extra.jpg"] = JPEG


def drop_manifest(files: dict[str, bytes]) -> None:
    del files[MANIFEST]


def spoil_manifest(files: dict[str, bytes]) -> None:
    files[MANIFEST] = b"\xff\xfenonsense\n" + files[MANIFEST]


def change_with_manifest(files: dict[str, bytes]) -> None:
    name = first_picture(files)
    old, new = sm3(files[name]).hex(), sm3(JPEG + JPEG).hex()
    files[name] = JPEG + JPEG
    lines = files[MANIFEST].decode().splitlines()
    files[MANIFEST] = "".join(
        f"{line.replace(old, new) if line.endswith(name) else line}\n" for line in lines
    ).encode()


def test_what_nobody_changed_is_found_good(case: CaseFile, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    told = io.StringIO()
    call_command("verify_case_file", path, stdout=told)
    assert f"与 王工 于 2026-11-22 12:02:00 导出的卷宗 {case} 相同" in told.getvalue()
    # Packed anew with the same files it says the same.
    assert verify_archive(repacked(path, lambda files: None)).faults == []


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        (change_picture, "内容已改变：pictures/"),
        (drop_picture, "缺少文件：pictures/"),
        (add_file, "清单之外的文件：pictures/extra.jpg"),
        (drop_manifest, "缺少 manifest.sm3"),
        (spoil_manifest, "无法识别"),
    ],
)
def test_any_change_is_found(
    case: CaseFile, tmp_path: Path, change: Callable[[dict[str, bytes]], None], fault: str
) -> None:
    path = repacked(written(case, tmp_path), change)
    (said, *_) = verify_archive(path).faults
    assert fault in said
    with pytest.raises(CommandError, match="与导出时不同"):
        call_command("verify_case_file", path, stderr=io.StringIO())


def test_a_manifest_that_was_changed_with_its_file_is_none_of_ours(case: CaseFile, tmp_path: Path) -> None:
    path = repacked(written(case, tmp_path), change_with_manifest)
    assert verify_archive(path).faults == []
    with pytest.raises(CommandError, match="不在本平台的导出记录中"):
        call_command("verify_case_file", path, stdout=io.StringIO())
    call_command("verify_case_file", path, alone=True, stdout=io.StringIO())


def test_a_byte_that_fell_over_is_found(case: CaseFile, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    whole = path.read_bytes()
    place = whole.index(JPEG) + 100
    path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
    assert any("内容已改变" in fault for fault in verify_archive(path).faults)


def test_what_is_no_zip_is_said(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04", b"nonsense" * 100):
        (tmp_path / "case.zip").write_bytes(content)
        assert verify_archive(tmp_path / "case.zip").faults == ["不是 ZIP 文件，或文件不完整"]
    with pytest.raises(CommandError, match="无法读取"):
        call_command("verify_case_file", tmp_path / "nothing.zip")


def test_a_case_is_never_in_memory_as_a_whole(office: Organisation, camera: Camera) -> None:
    cameras = [camera, *(stand(office, number) for number in range(3))]
    for one in cameras:
        for number in range(-6, 6):
            take(one, number)
    big = JPEG * 200
    case = begin(*cameras)
    for entry in case.cameras.all():
        for slot_at in entry.hold.held.values_list("slot_at", flat=True):
            pictures().save(held_name(entry.hold_id, slot_at), ContentFile(big))
    archive = export_case(case=case, user=User(is_superuser=True), actor=WANG)
    tracemalloc.start()
    total = sum(len(piece) for piece in archive.pieces)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total > 40 * len(big)
    assert peak < 12 * len(big)
