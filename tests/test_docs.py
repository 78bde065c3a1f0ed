"""What docs/ prints is what the platform does."""

import json
import re
from pathlib import Path

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

DOCS = Path(__file__).resolve().parents[1] / "docs"
_BLOCK = re.compile(r"^```json\n(.*?)^```", re.DOTALL | re.MULTILINE)
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


def test_every_verb_is_described() -> None:
    described = (DOCS / "interface.md").read_text()
    routes = [str(pattern.pattern) for entry in get_resolver().url_patterns for pattern in _below(entry)]
    verbs = {route.removeprefix("video.") for route in routes if route.startswith("video.")}
    assert {"TokenInfo", "VideoInformation", "PTZControl"} <= verbs
    assert sorted(verb for verb in verbs if f"`{verb}`" not in described) == []


def _below(entry: URLPattern | URLResolver) -> list[URLPattern]:
    if isinstance(entry, URLPattern):
        return [entry]
    return [found for child in entry.url_patterns for found in _below(child)]
