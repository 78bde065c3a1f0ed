import json
import socket
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from deploy import copy_js
from deploy.demo import files
from deploy.demo.__main__ import main
from deploy.demo.cameras import PLACES, can_turn, simulated_cameras
from deploy.services import take_ownership
from protocol.cameras import parse_camera


def test_ports_are_remembered_while_they_are_free(tmp_path: Path) -> None:
    first = files.choose_ports(tmp_path, 8000)
    assert first["web"] == 8000
    assert len(set(first.values())) == 5
    assert files.choose_ports(tmp_path, 8000) == first
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", first["gateway"]))
        taken.listen()
        second = files.choose_ports(tmp_path, 8000)
    assert second["gateway"] != first["gateway"]
    assert {**second, "gateway": 0} == {**first, "gateway": 0}


def test_secrets_are_made_once_and_for_nobody_else(tmp_path: Path) -> None:
    first = files.keep_secrets(tmp_path)
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert files.keep_secrets(tmp_path) == first
    secrets = [*first["keys"].values(), *first["play_url_keys"], *first["passwords"].values()]
    assert len(set(secrets)) == len(secrets)


def test_the_environment_survives_a_shell(tmp_path: Path) -> None:
    values = files.environment(
        tmp_path, files.Addresses(files.choose_ports(tmp_path, 8000)), files.keep_secrets(tmp_path)
    )
    values["AWKWARD"] = "it's $HOME & (长深高速)"
    files.write_environment(tmp_path / "env", values)
    said = subprocess.run(
        ["bash", "-c", f"set -a; . '{tmp_path}/env'; env -0"], capture_output=True, check=True, env={}
    )
    seen = dict(line.split("=", 1) for line in said.stdout.decode().split("\0") if "=" in line)
    assert {name: seen[name] for name in values} == values


def test_cameras_are_what_the_document_asks_for() -> None:
    cameras = simulated_cameras(12)
    assert cameras == simulated_cameras(12)
    records = [
        parse_camera(json.dumps({name: value for name, value in camera.items() if name != "source"}).encode())
        for camera in cameras
    ]
    assert len({record.camera_num for record in records}) == 12
    assert all(UUID(record.camera_num).version == 4 for record in records)
    assert len({record.department for record in records}) == 3
    assert {camera["source"]["light"] for camera in cameras} >= {"day", "dusk", "night", "rain"}
    assert any(map(can_turn, cameras[:9]))
    assert not all(map(can_turn, cameras[:9]))


def test_more_cameras_stand_further_along_the_road() -> None:
    cameras = simulated_cameras(100)
    for field in ("cameraNum", "cameraName"):
        assert len({camera[field] for camera in cameras}) == 100
    stakes = {(camera["road"], camera["pileNum"]) for camera in cameras}
    assert len(stakes) == 100
    assert cameras[len(PLACES)]["roadSec"] == cameras[0]["roadSec"]


@pytest.mark.parametrize(
    "arguments", [["--cameras", "8"], ["--cameras", "many"], ["--port", "0"], ["--nonsense"]]
)
def test_bad_options_are_refused(
    tmp_path: Path, arguments: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--data", str(tmp_path / "data"), *arguments])
    assert not (tmp_path / "data").exists()
    assert arguments[0] in capfd.readouterr().err


def test_a_second_demo_on_the_same_folder_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert take_ownership(tmp_path) is not None
    assert main(["--data", str(tmp_path)]) == 1
    assert "正被另一个进程使用" in capfd.readouterr().err


def test_a_port_in_use_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--data", str(tmp_path), "--port", str(port)]) == 1
    assert f"端口 {port} 已被占用" in capfd.readouterr().err


def test_players_are_copied_without_references_to_maps(tmp_path: Path) -> None:
    for source in copy_js.FILES:
        (tmp_path / "modules" / source).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "modules" / source).write_text("play();\n//# sourceMappingURL=player.js.map\n")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "left-over.js").touch()
    copy_js.copy(tmp_path / "modules", tmp_path / "vendor")
    copied = {file.name: file.read_text() for file in (tmp_path / "vendor").iterdir()}
    assert copied == dict.fromkeys(copy_js.FILES.values(), "play();\n\n")
