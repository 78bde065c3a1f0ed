"""How schemathesis explores the interface: whose credentials it has, and what it must find of each answer."""

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from jsonschema_rs import Draft202012Validator
from schemathesis import Case, CheckContext, GenerationMode, Response
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.meta import CoveragePhaseData, CoverageScenario
from schemathesis.specs.openapi import checks as builtin

from access.services.partners import OAuthSecret
from protocol.codes import Code
from tests.cameras.ledger import COMPANY, OFFICE, number
from tests.cast import Caller
from tests.interface.mirrored import VERBS, keys_in_order

# Well-formed requests that the schema cannot tell from others: parameters that depend on each other.
_DEPENDENT = re.compile("缺少( ?参数)? ?(department|startTime|endTime)|startTime 不应晚于 endTime")
_REFUSED_METHOD = re.compile("^不支持 .* 方法，应为 ")
_REPORTS = ("VideoInformation", "VideoInformationDel", "ReportCamera", "ReportAnalyse", "ReporlAnalyse", "gateway.")
_KNOWN = {
    "cameraNum": [number(1), number(2), number(3)],
    "department": [COMPANY, OFFICE],
}


@dataclass(frozen=True)
class World:
    """A ledger of three cameras, and who may ask for what."""

    ministry: Caller
    gateway: Caller
    secret: OAuthSecret
    # Paths that were seen to be closed without a token; asking again each time would cost half the time.
    closed: set[str] = field(default_factory=set)

    def explore(self, case: Case[Any]) -> Response:
        """Send the request of `case` with valid credentials, and judge the answer."""
        caller = self._caller(case.path)
        self._make_likely(case, caller)
        response = case.call(headers=_credentials(case, caller))
        replaced = [
            builtin.unsupported_method,
            builtin.positive_data_acceptance,
            builtin.negative_data_rejection,
        ]
        case.validate_response(
            response,
            headers=_credentials(case, caller),
            excluded_checks=[*replaced, builtin.ignored_auth] if case.path in self.closed else replaced,
            additional_checks=[
                an_unknown_method_is_told,
                what_the_schema_allows_is_taken,
                what_the_schema_forbids_is_refused,
                keys_come_in_order,
                msg_is_repeated,
                nothing_fails_inside,
            ],
        )
        if response.status_code == Code.OK:
            self.closed.add(case.path)
        return response

    def _caller(self, path: str) -> Caller:
        verb = path.removeprefix(VERBS).removeprefix("video.")
        return self.gateway if verb.startswith(_REPORTS) else self.ministry

    def _make_likely(self, case: Case[Any], caller: Caller) -> None:
        """Names and numbers that exist in place of most of those made up, where the schema allows those."""
        likely = _Likely(_crc(repr((case.query, case.body))))
        if case.path == "/oauth/token/":
            if (
                isinstance(case.body, dict)
                and isinstance(case.body.get("client_id"), str)
                and likely.salt % 4
            ):
                case.body |= {"client_id": self.secret.client_id, "client_secret": self.secret.client_secret}
                if isinstance(case.body.get("scope"), str):
                    case.body["scope"] = "play"
                # Made up as well, and it would count before the body.
                case.headers.pop("Authorization", None)
            return
        if case.path.endswith("TokenInfo"):
            if all(likely.is_chosen(case.query.get(name)) for name in ("deviceCode", "user", "token")):
                case.query.update(caller.token_query())
            return
        if _is_plain(case.query.get("user")):
            case.query["user"] = caller.issued.user
        likely.put_known(case.query)
        for item in case.body if isinstance(case.body, list) else ():
            if isinstance(item, dict):
                likely.put_known(item)
        cameras = case.body.get("cameras") if isinstance(case.body, dict) else None
        if isinstance(cameras, list):
            cameras[:] = [likely.known("cameraNum", value) for value in cameras]


@dataclass(frozen=True)
class _Likely:
    """Chooses by the request as a whole: the same one is always changed in the same way."""

    salt: int

    def is_chosen(self, value: object) -> bool:
        return isinstance(value, str) and _is_plain(value) and (_crc(value) ^ self.salt) % 4 > 0

    def known(self, name: str, value: Any) -> Any:
        known = _KNOWN[name]
        return known[self.salt % len(known)] if self.is_chosen(value) else value

    def put_known(self, given: Any) -> None:
        for name in _KNOWN:
            if name in given:
                given[name] = self.known(name, given[name])


def _crc(text: str) -> int:
    return zlib.crc32(text.encode("utf-8", "replace"))


def _credentials(case: Case[Any], caller: Caller) -> dict[str, str]:
    return {"TAuth": caller.issued.token} if case.path.startswith(VERBS) else {}


def _is_plain(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 64 and value.isprintable() and value == value.strip()


def _told(response: Response) -> dict[str, Any]:
    answer: dict[str, Any] = orjson.loads(response.content or b"{}")
    return answer


def _is_verb(case: Case[Any], response: Response) -> bool:
    return case.path.startswith(VERBS) and response.request.method != "HEAD"


def _is_probe(case: Case[Any], scenario: CoverageScenario) -> bool:
    data = case.meta.phase.data if case.meta else None
    return isinstance(data, CoveragePhaseData) and data.scenario == scenario


def an_unknown_method_is_told(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    if not _is_verb(case, response) or not _is_probe(case, CoverageScenario.UNSPECIFIED_HTTP_METHOD):
        return
    answer = _told(response)
    assert answer["code"] == 400 and _REFUSED_METHOD.match(answer["msg"]), answer


def what_the_schema_allows_is_taken(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    answer = _told(response)
    if not _is_verb(case, response):
        # Which scopes a client has is not in the schema.
        if answer.get("error") != "invalid_scope":
            builtin.positive_data_acceptance(ctx, response, case)
        return
    if answer["code"] != 400 or not _DEPENDENT.search(answer["msg"]):
        builtin.positive_data_acceptance(ctx, response, case)
    if (
        case.meta
        and case.meta.generation.mode == GenerationMode.POSITIVE
        and case.path.endswith("VideoInformation")
    ):
        refused = [each for each in answer.get("backResult", []) if each["status"]]
        assert not refused, refused


def what_the_schema_forbids_is_refused(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    if _is_verb(case, response):
        answer = _told(response)
        if any(each["status"] for each in answer.get("backResult", [])) or "未接收" in answer["msg"]:
            return
    if not _is_well_formed_as_read(case):
        builtin.negative_data_rejection(ctx, response, case)


def _is_well_formed_as_read(case: Case[Any]) -> bool:
    """Whether nothing but blanks is wrong: they are taken off a value, and an empty one counts as absent."""
    meta = case.meta
    wrong = {place for place in meta.components if meta.is_negative_at(place)} if meta else set()
    return (
        wrong <= {ParameterLocation.QUERY, ParameterLocation.HEADER}
        and case.headers.get("AppVersion", "").strip() in ("", "v1.0")
        and all(_is_read(case.query.get(each.name), each.definition) for each in case.operation.query)
    )


def _is_read(value: object, parameter: Mapping[str, Any]) -> bool:
    if value is None or isinstance(value, str) and not value.strip():
        return not parameter["required"]
    if not isinstance(value, str | int):
        return False
    text = str(value).strip()
    read = (
        int(text) if re.fullmatch("[0-9]{1,18}", text) and parameter["schema"]["type"] == "integer" else text
    )
    return bool(Draft202012Validator(parameter["schema"]).is_valid(read))


def keys_come_in_order(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    if not _is_verb(case, response):
        return
    raw = case.operation.schema.raw_schema
    answer, shapes = _told(response), raw["components"]["schemas"]
    responses = raw["paths"][case.operation.path][case.operation.method.lower()]["responses"]
    told = responses[str(answer["code"])]["content"]["application/json"]["schema"]
    alternatives = told.get("oneOf", told.get("allOf"))
    faults = [list(keys_in_order(answer, each, shapes)) for each in alternatives]
    assert [] in faults, faults


def msg_is_repeated(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Both partners of the exploration have the extras on."""
    if not _is_verb(case, response):
        return
    answer = _told(response)
    assert answer["message"] == answer["msg"], answer


def nothing_fails_inside(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    assert response.status_code < 500, response.text
