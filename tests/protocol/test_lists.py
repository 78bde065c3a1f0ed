"""Lists without per-item results: what is read, and the one sentence about the rest."""

import json

import pytest

from protocol.errors import MalformedError, NotFoundError
from protocol.lists import parse_items, summary
from protocol.reports import QualityItem, parse_quality

NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"


def test_one_faulty_item_costs_no_other() -> None:
    body = json.dumps(
        [
            {"cameraNum": NUM, "cameraStatus": "000100000"},
            {"cameraNum": NUM, "cameraStatus": "00010000"},
            7,
        ]
    ).encode()
    items, faults = parse_items(body, parse_quality, what="图像质量列表")
    assert items == [QualityItem(NUM, "000100000", "000100000")]
    assert [fault[:5] for fault in faults] == ["第 2 项", "第 3 项"]
    assert "cameraStatus" in faults[0]


def test_the_sentence_names_ten_and_counts_the_rest() -> None:
    assert summary(3, [], []) is None
    assert summary(3, ["第 2 项 坏"], [NUM]) == f"已接收 3 项，未接收 2 项：第 2 项 坏；摄像机不存在：{NUM}"
    said = summary(1, [f"第 {index} 项 坏" for index in range(1, 13)], [])
    assert said is not None
    assert said.startswith("已接收 1 项，未接收 12 项：第 1 项 坏；")
    assert said.endswith("第 10 项 坏；等共 12 项")


def test_nothing_applied_is_a_refusal_and_faults_weigh_more_than_unknown_cameras() -> None:
    with pytest.raises(NotFoundError, match=NUM):
        summary(0, [], [NUM])
    with pytest.raises(MalformedError, match=NUM):
        summary(0, ["第 1 项 坏"], [NUM])
