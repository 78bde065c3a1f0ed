"""上级平台怎样调用省级平台：取点位、播放地址、截图，转动云台。

    PYTHONPATH=. .venv/bin/python docs/examples/upper_platform.py var/demo.json

读入 demo.json 里的地址与凭据，依次调用各接口并打印结果。令牌被更换时写回 --token-file，下次接着用。
只用到 protocol 包（纯 Python，不含 Django），可整包拷贝到自己的工程里使用。
"""

import argparse
import json
from pathlib import Path
from typing import Any

import urllib3

from protocol.client import Credentials, PartnerClient
from protocol.envelope import Answer
from protocol.errors import RemoteError


def main() -> None:
    parser = argparse.ArgumentParser(description="以上级平台的身份调用省级平台")
    parser.add_argument("facts", type=Path, help="demo.json")
    parser.add_argument("--token-file", type=Path, default=Path("upper_platform.token"))
    parser.add_argument("--camera", help="摄像机编号，缺省为点位表的第一路")
    options = parser.parse_args()
    facts = json.loads(options.facts.read_text())
    client = connect(facts, options.token_file)

    ledger = asked(client, "GetDepartmentVideoInfo", currPage=1, pageSize=500)
    print(f"共 {ledger.body['total']} 路摄像机")
    known = {camera["cameraNum"]: camera for camera in ledger.body["videoInfo"]}
    number = options.camera or next(iter(known))
    print(f"{known[number]['cameraName']}，{known[number]['department']} {known[number]['roadSec']}")

    played = asked(client, "GetCameraPlayURL", cameraNum=number, videoType=0)
    entry = played.body["videoRequestUrl"][0]
    print(f"播放地址（5 秒内有效）：{entry['flv_url'] or '离线'}")
    if entry["flv_url"]:
        # 拿到地址后立刻打开；打开之后不会因为地址过期而中断。
        stream = urllib3.PoolManager(ca_certs=facts.get("ca_file")).request(
            "GET", entry["flv_url"], preload_content=False, timeout=10
        )
        print(f"HTTP {stream.status}，收到视频头 {stream.read(9)!r}")
        stream.close()

    pictures = asked(client, "SnapShot", cameraNum=number).body["snapShots"]
    print(f"最新截图：{pictures[0]['message']} {pictures[0]['url']}" if pictures else "还没有截图")

    if entry["isCameraControl"]:
        turned = client.call("PTZControl", params={"cameraNum": number, "action": 2, "step": 4})
        print(f"云台右转：code {turned.code}，{turned.body['PTZControl']['message']}")


def connect(facts: dict[str, Any], token_file: Path) -> PartnerClient:
    given = facts["ministry"]
    token = token_file.read_text().strip() if token_file.exists() else given["token"]
    credentials = Credentials(
        user=given["user"],
        device_code=given["device_code"],
        token=token,
        private_key=given["private_key"],
    )
    # 令牌失效（code 403）时客户端自动更换一次并重发；新令牌先落盘，再启用。
    return PartnerClient(
        facts["base_url"],
        credentials,
        ca_file=facts.get("ca_file"),
        on_token=lambda fresh: keep(token_file, fresh),
    )


def keep(token_file: Path, token: str) -> None:
    token_file.write_text(token)
    token_file.chmod(0o600)


def asked(client: PartnerClient, verb: str, **params: str | int) -> Answer:
    """A GET that has to succeed. RemoteError.permanent 说明同样的请求稍后再发是否有用。"""
    answer = client.call(verb, params=params)
    if not answer.ok:
        raise answer.error("省级平台")
    return answer


if __name__ == "__main__":
    try:
        main()
    except RemoteError as error:
        raise SystemExit(f"{error.message}（{'不必重试' if error.permanent else '可以重试'}）") from None
