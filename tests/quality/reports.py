"""Quality as gateways report it, and what is held of it."""

from quality.choices import ALL_GOOD
from quality.models import CameraQuality, QualityChange
from tests.cameras.ledger import COMPANY, camera, number
from tests.cast import Caller

GOOD, BLURRED, NOISY = ALL_GOOD, "000100000", "000000100"


def report(
    caller: Caller, *states: tuple[int, object], department: str | None = COMPANY
) -> dict[str, object]:
    body = [{"cameraNum": number(n), "cameraStatus": flags} for n, flags in states]
    return caller.post("ReportCameraQuality", body, **({"department": department} if department else {}))


def held(n: int = 1) -> str:
    """The nine flags that hold for camera `n`; empty before anybody said anything."""
    row = CameraQuality.objects.filter(camera=camera(n)).first()
    return row.flags if row else ""


def history(n: int = 1) -> list[tuple[str, str]]:
    rows = QualityChange.objects.filter(camera=camera(n)).order_by("id")
    return list(rows.values_list("after", "source"))
