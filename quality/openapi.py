"""ReportCameraQuality, described (document appendix 1, 1.3)."""

from access.operations import DEPARTMENT, PLAIN_EXAMPLE_ANSWER, USER, Example, Operation, Shape, array, text
from cameras.openapi import KNOWN_NUM, NO_VERDICTS
from protocol.bodies import MOST_ITEMS
from quality.choices import QualityFlag

_PLACES = "、".join(str(label) for label in QualityFlag.labels)
_SAMPLE_NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"

REPORT_CAMERA_QUALITY = Operation(
    summary="上报图像质量",
    clause="附录 1 1.3",
    said=f"九种状态。{NO_VERDICTS}",
    parameters=(DEPARTMENT, USER),
    body=array(
        "图像质量列表",
        Shape(
            "QualityItem",
            "一路摄像机的图像质量。未知的键忽略",
            {
                "cameraNum": KNOWN_NUM,
                "cameraStatus": text(
                    f"至少九位 0、1，自左至右：{_PLACES}；1 为异常。第十位起为数字，原样保存，共不超过 64 位",
                    pattern="^[01]{9}[0-9]{0,55}$",
                ),
            },
            is_open=True,
        ),
        most=MOST_ITEMS,
    ),
    examples=(
        Example(
            PLAIN_EXAMPLE_ANSWER,
            body=[
                {"cameraNum": _SAMPLE_NUM, "cameraStatus": "1000000000"},
                {"cameraNum": _SAMPLE_NUM, "cameraStatus": "1000000001"},
            ],
        ),
    ),
)
