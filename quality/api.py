"""ReportCameraQuality (document appendix 1, 1.3)."""

import msgspec

from cameras.api import ReportVerb
from cameras.services.reports import ReportOutcome
from protocol.reports import QualityItem, parse_quality
from quality import openapi
from quality.services.verdicts import report_quality


class ReportCameraQuality(ReportVerb[QualityItem]):
    """Take in the nine states of image quality."""

    operation = openapi.REPORT_CAMERA_QUALITY
    what = "图像质量列表"

    def parse(self, raw: msgspec.Raw) -> QualityItem:
        return parse_quality(raw)

    def apply(self, items: list[QualityItem], department: str | None) -> ReportOutcome:
        return report_quality(partner=self.partner, items=items, department=department)
