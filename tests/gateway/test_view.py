"""How orders move a camera, and that nothing moves it for ever."""

import pytest

from gateway.scene.view import LONGEST, MOST_BLUR, MOST_IRIS, ORDER_SECONDS, WIDEST, Look, View
from protocol.codes import PtzAction

HOME = Look(pan=0.5, tilt=0.4)
TICK = 0.04


@pytest.fixture
def view() -> View:
    return View(home=HOME, span=(0.4, 0.6))


def after(view: View, seconds: float, begun: float = 0.0) -> Look:
    for tick in range(round(seconds / TICK)):
        view.advance(begun + tick * TICK, TICK)
    return view.look


@pytest.mark.parametrize(
    ("action", "what", "sign"),
    [
        (PtzAction.LEFT, "pan", -1),
        (PtzAction.RIGHT, "pan", 1),
        (PtzAction.UP, "tilt", -1),
        (PtzAction.DOWN, "tilt", 1),
        (PtzAction.ZOOM_IN, "zoom", 1),
        (PtzAction.FOCUS_NEAR, "focus", -1),
        (PtzAction.FOCUS_FAR, "focus", 1),
        (PtzAction.IRIS_CLOSE, "iris", -1),
        (PtzAction.IRIS_OPEN, "iris", 1),
    ],
)
def test_each_action_moves_its_own_part(view: View, action: PtzAction, what: str, sign: int) -> None:
    view.order(action, 4, 0.0)
    look = after(view, 0.4)
    moved = {
        name
        for name in ("pan", "tilt", "zoom", "focus", "iris")
        if getattr(look, name) != getattr(HOME, name)
    }
    assert moved == {what}
    assert (getattr(look, what) - getattr(HOME, what)) * sign > 0


def test_the_smallest_step_is_plainly_seen_and_the_largest_is_faster(view: View) -> None:
    view.order(PtzAction.RIGHT, 1, 0.0)
    slow = after(view, 0.52).pan - HOME.pan
    # In half a second, which is what the platform lets one order run.
    assert slow > 0.05 * view.span[0]
    view.look = HOME
    view.order(PtzAction.RIGHT, 8, 0.0)
    assert after(view, 0.52).pan - HOME.pan > 2.5 * slow


def test_an_order_runs_out_and_is_renewed(view: View) -> None:
    view.order(PtzAction.RIGHT, 1, 0.0)
    once = after(view, 3.0).pan
    assert once - HOME.pan == pytest.approx(0.16 * ORDER_SECONDS * view.span[0], rel=0.05)
    assert after(view, 1.0, begun=3.0).pan == once
    view.order(PtzAction.RIGHT, 1, 4.0)
    after(view, 0.8, begun=4.0)
    view.order(PtzAction.RIGHT, 1, 4.8)
    assert after(view, 3.0, begun=4.8).pan - once == pytest.approx(0.16 * 1.8 * view.span[0], rel=0.05)


@pytest.mark.parametrize("stop", [PtzAction.STOP, PtzAction.STOP_LENS])
def test_a_stop_ends_it_at_once(view: View, stop: PtzAction) -> None:
    view.order(PtzAction.UP, 8, 0.0)
    look = after(view, 0.2)
    view.order(stop, 1, 0.2)
    assert after(view, 0.5, begun=0.2) == look


def test_it_stays_inside_the_panorama(view: View) -> None:
    for action in (
        PtzAction.LEFT,
        PtzAction.UP,
        PtzAction.ZOOM_OUT,
        PtzAction.FOCUS_NEAR,
        PtzAction.IRIS_CLOSE,
    ):
        for second in range(12):
            view.order(action, 8, second)
            after(view, 1.0, begun=second)
    assert view.look.pan == pytest.approx(0.2)
    assert view.look.tilt == pytest.approx(0.3)
    assert (view.look.zoom, view.look.focus, view.look.iris) == (WIDEST, -MOST_BLUR, -MOST_IRIS)
    for second in range(12):
        view.order(PtzAction.ZOOM_IN, 8, second)
        after(view, 1.0, begun=second)
    assert view.look.zoom == LONGEST


def test_home_comes_back_exactly(view: View) -> None:
    for action in (PtzAction.RIGHT, PtzAction.ZOOM_IN, PtzAction.FOCUS_FAR):
        view.order(action, 8, 0.0)
        after(view, 0.9)
    view.order(PtzAction.LIGHT_ON, 1, 1.0)
    view.order(PtzAction.HOME, 1, 1.0)
    look = after(view, 5.0, begun=1.0)
    assert (look.pan, look.tilt, look.zoom, look.focus) == (HOME.pan, HOME.tilt, HOME.zoom, HOME.focus)
    assert look.has_lamp
    view.order(PtzAction.LIGHT_OFF, 1, 6.0)
    assert after(view, 0.1, begun=6.0) == HOME
