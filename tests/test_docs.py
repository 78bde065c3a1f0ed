"""What docs/ prints is what the platform does."""

import json
import re
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from protocol.commands import LOW_FORMAT, parse_push_command
from protocol.sm2 import public_key_of, verify

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BLOCK = re.compile(r"^```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_ANCHOR = re.compile(r"\]\(([^)#:]*)#([^)]+)\)")
_NAMED = re.compile(r"`(tests/[a-z0-9_/]+\.py)::(test_[a-z0-9_]+)`")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_json_block_is_json(page: Path) -> None:
    for block in _BLOCK.findall(page.read_text()):
        json.loads(block)


@pytest.mark.parametrize(
    "page", [*sorted(DOCS.glob("*.md")), DOCS.parent / "README.md"], ids=lambda page: page.name
)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_test_that_is_named_is_there(page: Path) -> None:
    for file, name in _NAMED.findall(page.read_text()):
        assert f"def {name}(" in (DOCS.parent / file).read_text(), f"{file}::{name}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_every_link_to_a_heading_finds_it(page: Path) -> None:
    for target, anchor in _ANCHOR.findall(page.read_text()):
        headings = _HEADING.findall((page.parent / target if target else page).read_text())
        assert anchor in [_anchor_of(heading) for heading in headings]


def _anchor_of(heading: str) -> str:
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_verb_is_described() -> None:
    described = (DOCS / "interface.md").read_text()
    routes = [str(pattern.pattern) for entry in get_resolver().url_patterns for pattern in _below(entry)]
    verbs = {route.removeprefix("video.") for route in routes if route.startswith(("video.", "gateway."))}
    assert {"TokenInfo", "VideoInformation", "PTZControl", "gateway.GetConfiguration"} <= verbs
    assert sorted(verb for verb in verbs if f"`{verb}`" not in described) == []


def test_the_signature_that_is_printed_fits() -> None:
    page = (DOCS / "interface.md").read_text()
    private_key, public_key, text, signature = (
        re.findall(rf"^\| {name} \| `([^`]+)` \|$", page, re.MULTILINE)[0]
        for name in ("私钥", "公钥", "签名原文", "一个有效的签名（r‖s）")
    )
    assert public_key_of(private_key) == public_key
    assert verify(public_key, text.encode(), signature)


def test_the_order_that_is_printed_is_the_one_we_send() -> None:
    page = (DOCS / "interface.md").read_text()
    orders = [block for block in _BLOCK.findall(page) if '"command"' in block]
    assert len(orders) == 2
    for order in orders:
        command = parse_push_command(order.encode())
        printed = json.loads(order)["command"]
        # As text: 352.0 and 352 are equal as numbers.
        assert json.dumps(printed) == json.dumps(command.to_wire()["command"])
        assert command.video == LOW_FORMAT


def _below(entry: URLPattern | URLResolver) -> list[URLPattern]:
    if isinstance(entry, URLPattern):
        return [entry]
    return [found for child in entry.url_patterns for found in _below(child)]
