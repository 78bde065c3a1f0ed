"""The configuration file: a good one, and every mistake with its place in Chinese."""

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.rtsp import RtspCamera
from gateway.adapters.simulated import SimulatedCamera
from gateway.config import ConfigError, load_config
from tests.gateway.roadside import DOME, FIRST_TOKEN, FIXED, KEYS, camera, config, write_config

LISTEN = {"host": "127.0.0.1", "port": 0}
SIMULATED = {"adapter": "simulated"}
RTSP = {"adapter": "rtsp", "url": "rtsp://10.1.2.3/main"}


def faults_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


def test_a_good_file(tmp_path: Path) -> None:
    loaded = load_config(write_config(tmp_path, allowed_push_targets=["10.0.0.0/8", "127.0.0.1/32"]))
    assert [one.record.camera_num for one in loaded.cameras[:2]] == [DOME, FIXED]
    assert loaded.state_file == tmp_path / "state.json"
    assert [str(network) for network in loaded.networks] == ["10.0.0.0/8", "127.0.0.1/32"]
    assert (loaded.intake_token, loaded.analysis.period_seconds) == (None, 60)
    assert (loaded.ports, loaded.ffmpeg, loaded.font, loaded.ca_file) == ((1, 65535), None, None, None)


def test_sources_are_of_the_adapter_they_name(tmp_path: Path, surroundings: Any) -> None:
    sources = [{"adapter": "rtsp", "url": "rtsp://u:p@10.1.2.3/main"}, SIMULATED]
    path = write_config(tmp_path, cameras=[camera(DOME, sources[0]), camera(FIXED, sources[1])])
    rtsp, simulated = (one.factory(one.record, surroundings) for one in load_config(path).cameras)
    assert isinstance(rtsp, RtspCamera)
    assert isinstance(simulated, SimulatedCamera)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"colour": 1}, "最外层：未知的键 colour"),
        ({"listen": {"host": "127.0.0.1"}}, "listen：缺少键 port"),
        ({"listen": {"host": "127.0.0.1", "port": "80"}}, "listen.port：应为整数，收到字符串"),
        ({"listen": {"host": "127.0.0.1", "port": 70000}}, "listen.port：70000 不在 0-65535 之内"),
        ({"listen": {**LISTEN, "cert_file": "a.pem"}}, "listen.cert_file、listen.key_file：应同时给出"),
        ({"listen": {**LISTEN, "trusted_proxies": ["nginx"]}}, "listen.trusted_proxies[0]：“nginx” 不是网段"),
        ({"state_file": ""}, "state_file：不能为空"),
        ({"cameras": None}, "cameras：应为数组，收到空值"),
        ({"platform_cameras": {}}, "platform_cameras：缺少键 allowed_networks"),
        ({"platform_cameras": {"allowed_networks": []}}, "platform_cameras.allowed_networks：不能为空"),
        (
            {"platform_cameras": {"allowed_networks": ["10.1.2.3/8"]}},
            "platform_cameras.allowed_networks[0]：“10.1.2.3/8” 不是网段",
        ),
        (
            {"platform_cameras": {"allowed_networks": ["10.0.0.0/8"], "period_seconds": 5}},
            "platform_cameras.period_seconds：5 不在 10-86400 之内",
        ),
        (
            {"platform_cameras": {"allowed_networks": ["10.0.0.0/8"], "keep_file": ""}},
            "platform_cameras.keep_file：不能为空",
        ),
        (
            {"platform_cameras": {"allowed_networks": ["10.0.0.0/8"]}, "mode": "ministry", "cameras": []},
            "platform_cameras：直连部级平台时没有",
        ),
        ({"allowed_push_targets": ["10.0.0.1/8"]}, "allowed_push_targets[0]：“10.0.0.1/8” 不是网段"),
        ({"allowed_push_ports": [2, 1]}, "allowed_push_ports：[2, 1] 不是"),
        ({"cameras": [camera(DOME, {"adapter": "onvif"})]}, "cameras[0].source.adapter：取值 onvif 无效"),
        (
            {"cameras": [camera(DOME, {**SIMULATED, "light": "noon"})]},
            "cameras[0].source.light：取值 noon 无效",
        ),
        ({"cameras": [camera(DOME, {**SIMULATED, "zoom": 3})]}, "cameras[0].source：未知的键 zoom"),
        ({"cameras": [camera(DOME, {"adapter": "rtsp"})]}, "cameras[0].source：缺少键 url"),
        ({"push_tls": {"ports": [70000], "ca_file": "gateway.json"}}, "push_tls.ports：70000 不是端口"),
        (
            {"push_tls": {"ports": [1936], "ca_file": "absent.pem"}},
            "push_tls.ca_file：absent.pem 不是可读的 PEM 证书文件",
        ),
        (
            {"cameras": [camera(DOME, {"adapter": "rtsp", "url": "http://x"})]},
            "cameras[0].source：url 不是 rtsp 地址",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "url": "rtsp://[::1/main"})]},
            "cameras[0].source：url 不是 rtsp 地址",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "url": "rtsp://10.1.2.3:554x/main"})]},
            "cameras[0].source：url 的端口不是 0-65535 之内的整数",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "url": "rtsp://a..b/main"})]},
            "cameras[0].source：url 的主机名无效",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "high_url": "http://10.1.2.3/main"})]},
            "cameras[0].source：high_url 不是 rtsp 地址",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "url": "rtsp://10.1.2.3:99999/main"})]},
            "cameras[0].source：url 的端口不是 0-65535 之内的整数",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "ptz": {"driver": "onvif", "url": "http://10.1.2.3:x/"}})]},
            "cameras[0].source.ptz：url 的端口不是 0-65535 之内的整数",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "ptz": {"driver": "pelco"}})]},
            "cameras[0].source.ptz.driver：取值 pelco 无效",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "ptz": {"driver": "onvif", "url": "10.1.2.3"}})]},
            "cameras[0].source.ptz：url 不是 http 地址",
        ),
        (
            {"cameras": [camera(DOME, {**RTSP, "ptz": {"driver": "onvif", "move_seconds": 60}})]},
            "cameras[0].source.ptz：move_seconds 不在 0.1-10 之内",
        ),
        (
            {"cameras": [camera(DOME, {**SIMULATED, "fault": "stolen"})]},
            "cameras[0].source.fault：取值 stolen 无效",
        ),
        ({"intake": {"token": "short"}}, "intake.token：应为 16 至 256 个可见的 ASCII 字符"),
        ({"intake": {"token": "本地令牌" * 5}}, "intake.token：应为 16 至 256 个可见的 ASCII 字符"),
        ({"intake": {"token": FIRST_TOKEN}}, "intake.token：不能与 platform.token 相同"),
        ({"intake": {}}, "intake：缺少键 token"),
        ({"section": {"token": "short"}}, "section.token：应为 16 至 256 个可见的 ASCII 字符"),
        (
            {"section": {"token": "local-box-8d1f0c2a7b"}, "intake": {"token": "local-box-8d1f0c2a7b"}},
            "section.token：不能与 intake.token 相同",
        ),
        ({"transcode_cores": -1}, "transcode_cores：-1 不在 0-1024 之内"),
        ({"ptz": {"lease_seconds": 0}}, "ptz.lease_seconds：0 不在 1-3600 之内"),
        ({"mode": "county"}, "mode：取值 county 无效"),
        (
            {"mode": "ministry", "cameras": [camera(DOME, SIMULATED)]},
            "cameras[0].gatewayNum：直连部级平台时必填",
        ),
        ({"analysis": {"period_seconds": 9}}, "analysis.period_seconds：9 应为 0（不分析）或 10-3600"),
        ({"analysis": {"most_waiting": 0}}, "analysis.most_waiting：0 不在"),
        ({"analysis": {"most_waiting_bytes": 1000}}, "analysis.most_waiting_bytes：1000 不在 65536-"),
        ({"cameras": [camera(DOME, SIMULATED, owner="x")]}, "cameras[0]：未知的键 owner"),
        ({"cameras": [camera("17", SIMULATED)]}, "cameras[0]：cameraNum"),
        (
            {"cameras": [camera(DOME, SIMULATED), camera(DOME.upper(), SIMULATED)]},
            "cameras[1].cameraNum：与 cameras[0] 重复",
        ),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    assert said in faults_of(write_config(tmp_path, **changes))


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("base_url", "ftp://x", "platform.base_url：“ftp://x”"),
        ("user", " ", "platform.user：不能为空"),
        ("token", "", "platform.token：不能为空"),
        ("device_code", "令牌", "platform.device_code：不是 BASE64"),
        pytest.param(
            *("private_key", KEYS.private_key[:-1], "platform.private_key：不是 SM2 私钥"), id="short key"
        ),
    ],
)
def test_a_mistake_about_the_platform(tmp_path: Path, name: str, value: str, said: str) -> None:
    given = config(tmp_path)["platform"] | {name: value}
    faults = faults_of(write_config(tmp_path, platform=given))
    assert said in faults
    assert KEYS.private_key[:20] not in faults


def test_all_faults_of_the_cameras_come_at_once(tmp_path: Path) -> None:
    cameras = [camera(DOME, SIMULATED, pileNum="1100"), camera(FIXED, SIMULATED, road="25", classify=9)]
    faults = faults_of(write_config(tmp_path, cameras=cameras)).splitlines()
    assert [fault.partition("：")[2].split(" ")[0] for fault in faults] == [
        "cameras[0]：pileNum",
        "cameras[1]：road",
        "cameras[1]：classify",
    ]


def test_json_that_is_none_is_told_by_line_and_column(tmp_path: Path) -> None:
    path = tmp_path / "gateway.json"
    path.write_text('{"listen": {"host": "127.0.0.1",\n "port": }}')
    assert "第 2 行第 10 列" in faults_of(path)
    path.write_text(json.dumps(config(tmp_path))[:-20])
    assert "不是合法的 JSON" in faults_of(path)
    assert "无法读取" in faults_of(tmp_path / "absent.json")
