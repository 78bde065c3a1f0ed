"""ReportAnalyse, described (document appendix 1, 1.4); what `data` holds is in analysis.schema."""

from access.operations import DEPARTMENT, PLAIN_EXAMPLE_ANSWER, USER, Example, Operation, Shape, array, text
from cameras.openapi import KNOWN_NUM, NO_VERDICTS
from protocol.bodies import MOST_ITEMS

_SAMPLE_NUM = "baee05a7-166a-48f8-9a57-3754c1a7ac65"

REPORT_ANALYSE = Operation(
    summary="上报智能分析结果",
    clause="附录 1 1.4",
    said=f"接口名为 `ReportAnalyse`；文件中另印为 `ReporlAnalyse`，两个地址作用相同。{NO_VERDICTS}",
    parameters=(DEPARTMENT, USER),
    body=array(
        "智能分析列表",
        Shape(
            "AnalysisItem",
            "一条分析结果。未知的键忽略",
            {
                "cameraNum": KNOWN_NUM,
                "data": text(
                    "字符串中的 JSON，逐字节保存；平台看懂的内容见 docs/analysis.md", pattern=r"^[^\x00]*$"
                ),
            },
            is_open=True,
        ),
        most=MOST_ITEMS,
    ),
    examples=(
        Example(
            PLAIN_EXAMPLE_ANSWER,
            body=[{"cameraNum": _SAMPLE_NUM, "data": ""}, {"cameraNum": _SAMPLE_NUM, "data": ""}],
        ),
    ),
)
