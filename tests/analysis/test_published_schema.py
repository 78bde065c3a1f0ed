"""docs/analysis.md is what integrators go by: every field, word, unit and example in it is what the code does."""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from analysis.choices import Subject
from analysis.schema import STRUCTS, Result, Spec, UnrecognisedError, facts_of, specs, understand

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "analysis.md").read_text()
SECTIONS: dict[str, str] = dict(re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
COMMON = {spec.name for spec in specs(Result)}


def section(subject: Subject) -> str:
    return SECTIONS[f"{subject.label} `{subject.value}`"]


def printed(text: str) -> list[list[str]]:
    """The cells of the table of fields, without its head."""
    rows = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def published(spec: Spec) -> list[str]:
    if spec.words:
        values = "，".join(f"`{word}` {label}" for word, label in spec.words.items())
    elif spec.low is not None and spec.high is not None:
        values = f"{spec.low:g} 至 {spec.high:g}"
    else:
        values = "时间" if spec.name in ("time", "endTime") else "文字，不超过 64 个字符"
    return [f"`{spec.name}`", spec.title, values, spec.unit or "–", "是" if spec.is_required else "否"]


def test_the_common_fields_are_published() -> None:
    assert printed(SECTIONS["各主题共有"]) == [published(spec) for spec in specs(Result)]


@pytest.mark.parametrize("subject", Subject)
def test_the_fields_of_each_subject_are_published(subject: Subject) -> None:
    own = [spec for spec in specs(STRUCTS[subject]) if spec.name not in COMMON]
    assert printed(section(subject)) == [published(spec) for spec in own]


@pytest.mark.parametrize("subject", Subject)
def test_every_example_is_understood(subject: Subject) -> None:
    examples = re.findall(r"```json\n(.*?)\n```", section(subject), re.DOTALL)
    assert examples
    for example in examples:
        # As of the day of the examples.
        found = understand(example, datetime(2026, 11, 22, 6, 0, tzinfo=UTC))
        assert found.subject == subject
        given = json.loads(example)
        assert len(facts_of(example)) == len(given.keys() - {"subject", "time"})
        assert given.keys() - {"subject"} <= {spec.name for spec in specs(STRUCTS[subject])}


@pytest.mark.parametrize("subject", Subject)
def test_every_required_field_is_required(subject: Subject) -> None:
    example = json.loads(re.findall(r"```json\n(.*?)\n```", section(subject), re.DOTALL)[0])
    for spec in specs(STRUCTS[subject]):
        if spec.is_required:
            without = {name: value for name, value in example.items() if name != spec.name}
            with pytest.raises(UnrecognisedError, match=f"^缺少 {spec.name}$"):
                understand(json.dumps(without), NOON)


@pytest.mark.parametrize("subject", Subject)
def test_words_and_limits_are_kept_to(subject: Subject) -> None:
    example = json.loads(re.findall(r"```json\n(.*?)\n```", section(subject), re.DOTALL)[0])
    for spec in specs(STRUCTS[subject]):
        if spec.words:
            for word in spec.words:
                understand(json.dumps({**example, spec.name: word}), NOON)
        if spec.high is not None:
            understand(json.dumps({**example, spec.name: spec.high}), NOON)
        bad: object = "nothing" if spec.words else spec.high + 1 if spec.high is not None else {}
        with pytest.raises(UnrecognisedError, match=spec.name):
            understand(json.dumps({**example, spec.name: bad}), NOON)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "内容为空"),
        (" \n", "内容为空"),
        ("拥堵", "不是 JSON"),
        ('{"subject": "speed", "meanSpeed": 80', "不是 JSON"),
        ("[" * 5000, "不是 JSON"),
        ("[]", "应为一个 JSON 对象，收到“[]”"),
        ("12", "应为一个 JSON 对象，收到“12”"),
        ("{}", "缺少 subject"),
        (
            '{"subject": "traffic"}',
            "subject 的值“traffic”应为 congestion、accident、speed、flow、weather 之一",
        ),
        ('{"subject": 5}', "subject 的值“5”应为 congestion、accident、speed、flow、weather 之一"),
        ('{"subject": "speed", "meanSpeed": "快"}', "meanSpeed 的值“快”应为 0 至 300 的数（km/h）"),
        ('{"subject": "speed", "meanSpeed": 1e999}', "meanSpeed 的数值超出范围"),
        ('{"subject": "speed", "meanSpeed": 80, "time": 5}', "time 的值“5”不是可信的时间"),
        ('{"subject": "speed", "meanSpeed": 80, "time": "2026-11-24 12:00:01"}', "不是可信的时间"),
        ('{"subject": "speed", "meanSpeed": 80, "time": "昨天"}', "应为 unix 秒或形如"),
        ('{"subject": "speed", "meanSpeed": 80, "time": "2026-02-30 12:00:00"}', "应为 unix 秒或形如"),
        ('{"subject": "speed", "meanSpeed": 80, "time": true}', "time 的值“true”"),
    ],
)
def test_what_does_not_fit_says_why(data: str, reason: str) -> None:
    with pytest.raises(UnrecognisedError) as caught:
        understand(data, NOON)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "time",
    [
        1795320000,
        "1795320000",
        1795320000000,
        "2026-11-22 12:00:00",
        "2026-11-22T04:00:00Z",
        "2026-11-22 12:00",
    ],
)
def test_times_come_in_many_ways(time: object) -> None:
    data = json.dumps({"subject": "speed", "meanSpeed": "80", "time": time, "厂家": {"x": [1]}})
    found = understand(data, NOON)
    assert (found.occurred_at, found.figure) == (NOON, 80.0)


def test_flow_is_compared_by_the_hour() -> None:
    found = understand('{"subject": "flow", "vehicles": 212, "interval": 300}', NOON)
    assert (found.figure, found.occurred_at) == (2544.0, NOON)
