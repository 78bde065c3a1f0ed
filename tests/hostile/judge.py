"""What must hold of every answer of `/service/`, whatever was asked, and of the database behind it."""

import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

from django.db import connection
from django.http import HttpResponseBase
from django.test import Client

from protocol.codes import Code
from tests.cast import Caller, answer_of

REPORTS: Final = {
    "VideoInformation": "POST",
    "VideoInformationDel": "POST",
    "ReportCameraStatus": "POST",
    "ReportCameraQuality": "POST",
    "ReportAnalyse": "POST",
    "ReporlAnalyse": "POST",
}
READS: Final = {
    "TokenInfo": ("deviceCode", "user", "token", "sign"),
    "GetCameraPlayURL": ("department", "cameraNum", "videoType", "user"),
    "PTZControl": ("cameraNum", "action", "step", "user"),
    "SnapShot": ("department", "cameraNum", "startTime", "endTime", "user"),
    "GetDepartmentVideoInfo": ("department", "currPage", "pageSize", "user"),
    "GetCameraStatus": ("department", "currPage", "pageSize", "user"),
}
LONGEST_MSG: Final = 4000
# Logs grow with refused requests, and a token remembers its first use: these are what a request may change.
_TABLES: Final = (
    *("cameras_camera", "cameras_statuschange", "cameras_gateway", "cameras_ptzgrant", "access_organisation"),
    *("access_partner", "quality_cameraquality", "quality_qualityverdict", "quality_qualitychange"),
    *("analysis_analysisresult", "streaming_pushsession", "ptz_ptzlease"),
)
_DUMP: Final = " UNION ALL ".join(
    f"SELECT '{name}', count(*), coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '') FROM {name} t"  # noqa: S608
    for name in _TABLES
)
# What only somebody who looks inside would print.
_INNER: Final = (
    "Traceback",
    'File "',
    "Error:",
    "Exception",
    "psycopg",
    "django",
    "SELECT ",
    "site-packages",
)


def ask(
    method: str,
    path: str,
    body: bytes = b"",
    *,
    token: str = "",
    headers: Mapping[str, str] | None = None,
    content_type: str = "application/json",
) -> HttpResponseBase:
    """A request as the server would see it: what a view raises is answered, not raised here."""
    client = Client(raise_request_exception=False)
    given = {**({"TAuth": token} if token else {}), **(headers or {})}
    return client.generic(method, path, body, content_type=content_type, headers=given)


def verb_path(verb: str, query: Mapping[str, object] | None = None) -> str:
    return f"/service/video.{verb}" + (f"?{urlencode(query, doseq=True)}" if query else "")


def judge(response: HttpResponseBase, *callers: Caller) -> dict[str, Any]:
    """The envelope, once everything that must hold of it did."""
    assert response.status_code == 200
    whole = b"".join(response) if response.streaming else getattr(response, "content", b"")
    answer = json.loads(whole) if response.streaming else answer_of(response)
    assert list(answer)[:2] == ["code", "msg"], answer
    code, msg = answer["code"], answer["msg"]
    assert type(code) is int and code in {*Code} - {Code.INTERNAL}, answer
    assert isinstance(msg, str) and 0 < len(msg) <= LONGEST_MSG, answer
    assert answer["message"] == msg
    assert not [word for word in _INNER if word in msg], msg
    assert not [char for char in msg if ord(char) < 0x20], msg
    for caller in callers:
        issued = caller.issued
        secrets = (issued.private_key, issued.token, caller.partner.public_key)
        assert not [secret for secret in secrets if secret in msg]
    return answer


def state() -> dict[str, tuple[int, str]]:
    """Rows and a digest of every table that a request may change, logs left out."""
    with connection.cursor() as cursor:
        cursor.execute(_DUMP)
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}
