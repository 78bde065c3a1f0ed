"""What the platform may have a gateway run, and every mistake with its place."""

import json
from typing import Any

import pytest

from gateway.adapters.rtsp import RtspCamera
from gateway.assignment import Assignment, AssignmentError, read_assignment
from protocol.configuration import MOST_FAULTS
from protocol.forwarding import networks_of
from tests.gateway.roadside import DOME, FIXED, camera

NETWORKS = networks_of(["10.1.0.0/16"])
RTSP = {"adapter": "rtsp", "url": "rtsp://admin:s3cret@10.1.2.3/main"}


def read(*cameras: object, version: object = 7) -> Assignment:
    return read_assignment(json.dumps({"version": version, "cameras": cameras}).encode(), NETWORKS)


def faults_of(*cameras: object, version: object = 7) -> list[str]:
    with pytest.raises(AssignmentError) as caught:
        read(*cameras, version=version)
    assert "s3cret" not in str(caught.value)
    return [str(fault) for fault in caught.value.faults]


def test_a_good_one(surroundings: Any) -> None:
    ptz = {"driver": "onvif", "url": "http://10.1.2.3:8000/onvif/device_service"}
    found = read(camera(DOME, {**RTSP, "ptz": ptz}, cameraType=2), camera("K1100-300", RTSP))
    assert found.version == 7
    assert [one.record.camera_num for one in found.cameras] == [DOME, "K1100-300"]
    assert all(one.is_assigned for one in found.cameras)
    assert isinstance(found.cameras[0].factory(found.cameras[0].record, surroundings), RtspCamera)
    assert read().cameras == ()


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ({"adapter": "rtsp"}, "source：缺少键 url"),
        ({**RTSP, "url": "http://10.1.2.3/"}, "source：url 不是 rtsp 地址"),
        ({**RTSP, "mode": "best"}, "source.mode：取值 best 无效"),
        ({**RTSP, "url": "rtsp://admin:s3cret@camera.lan/main"}, "source.url：主机应为 IP 地址"),
        (
            {**RTSP, "url": "rtsp://admin:s3cret@10.2.0.1/main"},
            "source.url：10.2.0.1 不在网关允许的网段内",
        ),
        (
            {**RTSP, "ptz": {"driver": "onvif", "url": "http://127.0.0.1:9100/"}},
            "source.ptz.url：127.0.0.1 不在网关允许的网段内",
        ),
        (
            {**RTSP, "high_url": "rtsp://127.0.0.1/main"},
            "source.high_url：127.0.0.1 不在网关允许的网段内",
        ),
        ({"adapter": "file", "path": "/etc/passwd"}, "source.adapter：平台只能配置 rtsp"),
        ({"adapter": "simulated"}, "source.adapter：平台只能配置 rtsp"),
    ],
)
def test_a_mistake_is_told_with_its_place(source: dict[str, Any], said: str) -> None:
    assert faults_of(camera(FIXED, RTSP), camera(DOME, source)) == [f"{DOME}：{said}"]


def test_all_mistakes_are_told_at_once() -> None:
    lost = camera(DOME, RTSP, pileNum="1100", area="")
    found = faults_of(lost, "camera", camera(FIXED, RTSP), camera(FIXED.upper(), RTSP))
    assert any("pileNum" in one for one in found)
    assert any("area" in one for one in found)
    assert [one for one in found if one.endswith("应为对象，收到字符串")]
    assert found[-1] == f"{FIXED.upper()}：cameraNum：重复"


def test_a_version_is_a_number() -> None:
    assert faults_of(version="7") == ["version：应为整数，收到字符串"]


def test_not_more_faults_than_can_be_read() -> None:
    assert len(faults_of(*["camera"] * 3000)) == MOST_FAULTS
