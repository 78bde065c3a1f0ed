"""The token chain: on disk before it is used, private, and never half written."""

import json
import stat
from pathlib import Path

import pytest

from gateway.state import StateError, TokenState


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_the_configured_token_is_where_it_begins(file: Path) -> None:
    state = TokenState(file, "offline")
    assert (state.current, state.is_fresh) == ("offline", True)
    assert not file.exists()


def test_a_new_token_is_kept_and_the_one_before_still_accepted(file: Path) -> None:
    state = TokenState(file, "offline")
    state.renew("first")
    state.renew("second")
    assert state.accepts("second")
    assert state.accepts("first")
    assert not state.accepts("offline")
    assert not state.accepts("")

    again = TokenState(file, "offline")
    assert (again.current, again.is_fresh) == ("second", False)
    assert again.accepts("first")


def test_the_file_is_private_and_whole(file: Path) -> None:
    file.with_name("state.json.new").write_text('{"half')
    TokenState(file, "offline").renew("first")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_bytes())["current"] == "first"
    assert [path.name for path in file.parent.iterdir()] == ["state.json"]


def test_a_token_that_cannot_be_kept_is_not_used(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    state = TokenState(folder / "state.json", "offline")
    with pytest.raises(StateError, match=r"state\.json 无法写入"):
        state.renew("first")
    assert state.current == "offline"
    assert not state.accepts("first")

    folder.mkdir()
    state.renew("first")
    assert state.current == "first"


def test_a_token_handed_over_anew_replaces_the_chain(file: Path) -> None:
    TokenState(file, "offline").renew("first")
    reissued = TokenState(file, "offline-2")
    assert (reissued.current, reissued.is_fresh) == ("offline-2", True)
    assert not reissued.accepts("first")


def test_a_configuration_that_repeats_the_kept_token_changes_nothing(file: Path) -> None:
    state = TokenState(file, "offline")
    state.renew("first")
    state.renew("second")
    again = TokenState(file, "second")
    assert (again.current, again.is_fresh) == ("second", False)
    assert again.accepts("first")


def test_a_damaged_file_is_an_error_in_words(file: Path) -> None:
    file.write_text('{"current": "x"')
    with pytest.raises(StateError, match="内容损坏"):
        TokenState(file, "offline")
