"""Focus and iris on ONVIF cameras, each with ranges and habits of its own."""

from collections.abc import Iterator

import pytest

from gateway.turning import PtzFailedError, PtzRefusedError
from protocol.codes import PtzAction
from tests.gateway.onvif_standin import OnvifStandIn, move_options, onvif_standin
from tests.gateway.test_onvif import order, ptz

OURS = ("SetImagingSettings", "MANUAL false")


@pytest.fixture
def dome() -> Iterator[OnvifStandIn]:
    with onvif_standin() as one:
        yield one


def moves(dome: OnvifStandIn) -> list[str]:
    return [what for name, what in dome.calls if name == "Move"]


def test_the_focus_is_taken_over_once_and_moves_from_then_on(dome: OnvifStandIn) -> None:
    order(ptz(dome), PtzAction.FOCUS_NEAR, PtzAction.FOCUS_FAR)
    asked = [("GetMoveOptions", ""), ("GetImagingSettings", "")]
    assert dome.calls == [*asked, OURS, ("Move", "-0.5"), ("Move", "0.5")]


def test_a_focus_that_is_manual_already_is_not_taken(dome: OnvifStandIn) -> None:
    dome.focus_mode = "MANUAL"
    order(ptz(dome), PtzAction.FOCUS_FAR, PtzAction.HOME)
    assert "SetImagingSettings" not in [name for name, _ in dome.calls]
    assert dome.focus_mode == "MANUAL"


def test_a_device_that_lets_nobody_set_its_focus_mode_is_moved_all_the_same(dome: OnvifStandIn) -> None:
    dome.faults["SetImagingSettings"] = 1
    order(ptz(dome), PtzAction.FOCUS_FAR)
    assert moves(dome) == ["0.5"]


@pytest.mark.parametrize(
    ("options", "near", "far"),
    [
        (move_options("Continuous", "Speed", -7, 7), "-3.5", "3.5"),
        (move_options("Continuous", "Speed", -4, 8), "-2", "4"),
        # One side only.
        (move_options("Continuous", "Speed", 0, 6), "-3", "3"),
        (move_options("Relative", "Distance", -2, 2), "-0.1", "0.1"),
        # Does not know the question.
        (None, "-0.5", "0.5"),
    ],
    ids=["wide", "uneven", "one side", "relative", "unknown"],
)
def test_speeds_are_those_of_the_device(dome: OnvifStandIn, options: str | None, near: str, far: str) -> None:
    dome.focus_options = options
    order(ptz(dome), PtzAction.FOCUS_NEAR, PtzAction.FOCUS_FAR)
    assert moves(dome) == [near, far]


@pytest.mark.parametrize(
    ("quirks", "moved"),
    [
        ({"focus": "continuous"}, "0.5"),
        ({"focus": "relative"}, "0.05"),
        ({"focus": "continuous", "invert_focus": True}, "-0.5"),
    ],
)
def test_a_device_that_does_not_say_how_it_moves(
    dome: OnvifStandIn, quirks: dict[str, object], moved: str
) -> None:
    dome.focus_options = ""
    order(ptz(dome, **quirks), PtzAction.FOCUS_FAR)
    assert moves(dome) == [moved]
    with pytest.raises(PtzRefusedError, match="不支持聚焦"):
        order(ptz(dome), PtzAction.FOCUS_FAR)


@pytest.mark.parametrize(
    ("ends", "iris", "action", "wanted"),
    [
        ((0, 16), "6", PtzAction.IRIS_CLOSE, "7"),
        ((0, 16), "6", PtzAction.IRIS_OPEN, "5"),
        ((0, 16), "0.5", PtzAction.IRIS_OPEN, "0"),
        ((0, 16), "15.5", PtzAction.IRIS_CLOSE, "16"),
        # Attenuation counted below 0.
        ((-16, 0), "-6", PtzAction.IRIS_CLOSE, "-7"),
        ((-16, 0), "-6", PtzAction.IRIS_OPEN, "-5"),
    ],
)
def test_an_order_turns_the_iris_by_a_share_of_its_range(
    dome: OnvifStandIn, ends: tuple[float, float], iris: str, action: PtzAction, wanted: str
) -> None:
    dome.iris_range, dome.iris = ends, iris
    order(ptz(dome), action)
    # The device's own exposure is ended first, then the iris is set; the gain stays as it is.
    assert dome.calls == [
        ("GetImagingSettings", ""),
        ("GetOptions", ""),
        ("SetImagingSettings", f"MANUAL 12 {iris} false"),
        ("SetImagingSettings", f"MANUAL 12 {wanted} false"),
    ]


def test_an_iris_in_hand_is_turned_at_once(dome: OnvifStandIn) -> None:
    order(ptz(dome), PtzAction.IRIS_CLOSE, PtzAction.IRIS_CLOSE)
    assert dome.calls[-2:] == [("GetImagingSettings", ""), ("SetImagingSettings", "MANUAL 12 8 false")]


def test_an_iris_that_cannot_be_turned(dome: OnvifStandIn) -> None:
    def refused() -> None:
        with pytest.raises(PtzRefusedError, match="不支持光圈"):
            order(ptz(dome), PtzAction.IRIS_OPEN)
        assert dome.exposure_mode == "AUTO"

    dome.iris_range = None
    refused()
    dome.iris_range = (6, 6)
    refused()
    dome.iris_range, dome.exposure_modes = (0, 16), ("AUTO",)
    refused()
    dome.exposure_modes, dome.iris = ("AUTO", "MANUAL"), None
    refused()


def test_a_value_that_is_none_is_a_fault_of_the_device(dome: OnvifStandIn) -> None:
    dome.iris = "F1.6"
    with pytest.raises(PtzFailedError, match="不是数字"):
        order(ptz(dome), PtzAction.IRIS_OPEN)


def test_home_gives_focus_and_exposure_back(dome: OnvifStandIn) -> None:
    order(ptz(dome), PtzAction.FOCUS_FAR, PtzAction.IRIS_OPEN)
    assert (dome.exposure_mode, dome.focus_mode) == ("MANUAL", "MANUAL")

    dome.focus_mode = dome.exposure_mode = "AUTO"
    order(ptz(dome), PtzAction.FOCUS_FAR, PtzAction.IRIS_OPEN, PtzAction.HOME)
    assert (dome.exposure_mode, dome.focus_mode) == ("AUTO", "AUTO")
    assert dome.calls[-1] == ("GotoHomePosition", "")


def test_home_leaves_alone_what_others_set(dome: OnvifStandIn) -> None:
    dome.exposure_mode = dome.focus_mode = "MANUAL"
    order(ptz(dome), PtzAction.FOCUS_FAR, PtzAction.IRIS_OPEN, PtzAction.HOME)
    assert (dome.exposure_mode, dome.focus_mode) == ("MANUAL", "MANUAL")
