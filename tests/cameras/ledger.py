"""Cameras as a gateway reports them: one line each, readable values."""

from typing import Any

from access.models import Partner
from cameras.models import Camera, Gateway
from tests.cast import Caller

COMPANY = "山东高速"
OFFICE = "济南管理处"


def number(n: int) -> str:
    """The UUID of camera `n`, version 4."""
    return f"baee05a7-166a-48f8-9a57-{n:012d}"


def wire(n: int = 1, **changes: object) -> dict[str, object]:
    """VideoInformation of camera `n`; a value of None leaves the field out."""
    fields: dict[str, object] = {
        "department": COMPANY,
        "cameraNum": number(n),
        "cameraName": f"G2 京沪高速 济南段 {n} 号",
        "longAndLati": "117.0009/36.6758",
        "road": "G2",
        "classify": 1,
        "cameraOrientation": 0,
        "pileNum": f"K{400 + n}+300",
        "area": "370100",
        "roadSec": OFFICE,
        "cameraType": 2,
        "gatewayNum": "",
        "poiName": "京沪高速",
        "others": "",
        **changes,
    }
    return {name: value for name, value in fields.items() if value is not None}


def register(caller: Caller, *items: dict[str, object]) -> list[dict[str, Any]]:
    """The backResult of a registration that has to pass as a whole."""
    answer = caller.post("VideoInformation", list(items))
    assert answer["code"] == 200, answer
    results: list[dict[str, Any]] = answer["backResult"]
    assert [result["status"] for result in results] == [0] * len(items), results
    return results


def infos(answer: dict[str, Any]) -> list[str]:
    assert answer["code"] == 200, answer
    return [result["info"] for result in answer["backResult"]]


def camera(n: int = 1) -> Camera:
    """Camera `n` as it is in the ledger now."""
    return Camera.objects.select_related("organisation__parent", "gateway").get(number_key=number(n))


def make_gateway(partner: Partner, base_url: str = "", **fields: Any) -> Gateway:
    """The record of the partner's gateway; without an address it reports only."""
    return Gateway.objects.create(
        code=partner.code, name=partner.name, partner=partner, base_url=base_url, **fields
    )
