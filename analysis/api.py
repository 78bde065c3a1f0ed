"""ReportAnalyse (document appendix 1, 1.4), which the document prints once as ReporlAnalyse."""

import msgspec

from analysis import openapi
from analysis.services.intake import keep_results
from cameras.api import ReportVerb
from cameras.services.reports import ReportOutcome
from protocol.reports import AnalysisItem, parse_analysis


class ReportAnalyse(ReportVerb[AnalysisItem]):
    """Take in results of traffic analysis."""

    operation = openapi.REPORT_ANALYSE
    what = "智能分析列表"

    def parse(self, raw: msgspec.Raw) -> AnalysisItem:
        return parse_analysis(raw)

    def apply(self, items: list[AnalysisItem], department: str | None) -> ReportOutcome:
        return keep_results(partner=self.partner, items=items, department=department)
