"""The document's three gateway verbs (section 3) over HTTP, in both styles gateways are spoken to.

Beside them the report verbs for boxes at the roadside (gateway.intake).
"""

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aiohttp import web
from multidict import MultiMapping

from gateway import __version__
from gateway.admission import Admission, presented_token
from gateway.assigned import AssignedCameras
from gateway.cameras import Cameras
from gateway.channels import Channels
from gateway.control import Control, Level, Orderer
from gateway.intake import Intake
from gateway.results import Results
from gateway.status import StatusBoard
from protocol.bodies import check_size, decode_object
from protocol.codes import Code, PtzAction, VideoType
from protocol.commands import parse_push_command
from protocol.configuration import REFRESH_CONFIGURATION
from protocol.envelope import envelope
from protocol.errors import ForbiddenError, MalformedError, NotFoundError, ProtocolError
from protocol.fields import parse_choice, parse_int
from protocol.forwarding import Network, client_address
from protocol.reports import ANALYSE_SPELLINGS

logger = logging.getLogger(__name__)

BODY_BYTES = 1 << 20
# The platform shows its staff which gateway runs what.
SERVER = f"highway-gateway/{__version__}"
# The document's verbs; ours are of another family.
FAMILY = "video."


@dataclass(frozen=True)
class Call:
    """One call, whichever style it came in; parameter names in lower case."""

    params: Mapping[str, object]
    body: bytes
    token: str = field(repr=False)
    address: str

    def required(self, name: str) -> object:
        value = self.params.get(name.lower())
        if value is None:
            raise MalformedError(f"缺少参数 {name}")
        return value

    def optional(self, name: str, default: object) -> object:
        return self.params.get(name.lower(), default)

    @property
    def department(self) -> str | None:
        given = self.params.get("department")
        return None if given is None else str(given).strip()

    @property
    def camera_num(self) -> str:
        return str(self.required("cameraNum"))

    @property
    def video_type(self) -> VideoType:
        return parse_choice(self.required("videoType"), "videoType", VideoType)


@dataclass(frozen=True)
class Said:
    """What is answered; without a message the usual words for the code."""

    code: Code = Code.OK
    message: str | None = None


Handler = Callable[[Call], Awaitable[Said]]
Admits = Callable[[str], bool]


@dataclass(frozen=True)
class Verb:
    method: str
    handler: Handler
    admits: Admits  # whether a token may call it


class Service:
    """Everything under /service/, /healthz, and the status for the section."""

    def __init__(
        self,
        cameras: Cameras,
        channels: Channels,
        admission: Admission,
        control: Control,
        intake: Intake,
        results: Results,
        assigned: AssignedCameras | None = None,
        proxies: Sequence[Network] = (),
    ) -> None:
        self._proxies = proxies
        self._assigned = assigned
        self._cameras = cameras
        self._channels = channels
        self._admission = admission
        self._control = control
        self._board = StatusBoard(cameras, channels, assigned)
        self._intake = intake
        self._results = results
        self._orders: Mapping[str, Verb] = {
            f"{FAMILY}VideoTransBegin": Verb("POST", self._begin, admission.is_platform),
            f"{FAMILY}VideoTransFinish": Verb("GET", self._finish, admission.is_platform),
            f"{FAMILY}PTZControl": Verb("GET", self._turn, admission.may_turn),
            REFRESH_CONFIGURATION: Verb("POST", self._refresh, admission.is_platform),
        }
        self._verbs = {**self._orders, **(self._reports() if intake.is_open else {})}

    def _reports(self) -> Mapping[str, Verb]:
        analyses = Verb("POST", self._take_analyses, self._admission.is_box)
        qualities = Verb("POST", self._take_qualities, self._admission.is_box)
        spellings = [f"{FAMILY}{spelling}" for spelling in ANALYSE_SPELLINGS]
        return {**dict.fromkeys(spellings, analyses), f"{FAMILY}ReportCameraQuality": qualities}

    def application(self) -> web.Application:
        app = web.Application(client_max_size=BODY_BYTES)
        app.on_response_prepare.append(_name_ourselves)
        app.router.add_get("/healthz", self._health)
        if self._admission.has_section:
            app.router.add_get("/status", self._status_page)
            app.router.add_get("/status.json", self._status_facts)
        app.router.add_route("*", "/service", self._answer(self._single))
        app.router.add_route("*", "/service/{verb:.*}", self._answer(self._verb))
        return app

    async def _health(self, request: web.Request) -> web.Response:
        results = self._results
        return web.json_response(
            {
                "ok": True,
                "cameras": len(self._cameras),
                "pushing": self._channels.pushing,
                "analysis": {
                    "waiting": len(results),
                    "dropped": results.dropped,
                    "refused": results.refused,
                },
            }
        )

    async def _status_page(self, request: web.Request) -> web.Response:
        self._admit_section(request)
        return web.Response(
            text=self._board.page(), content_type="text/html", headers={"Cache-Control": "no-store"}
        )

    async def _status_facts(self, request: web.Request) -> web.Response:
        self._admit_section(request)
        return web.json_response(self._board.facts(), dumps=_dump)

    def _admit_section(self, request: web.Request) -> None:
        try:
            is_welcome = self._admission.is_section(presented_token(request))
        except ForbiddenError:
            is_welcome = False
        if not is_welcome:
            raise web.HTTPUnauthorized(headers={"WWW-Authenticate": 'Basic realm="gateway", charset="UTF-8"'})

    def _answer(
        self, ask: Callable[[web.Request], Awaitable[Said]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """HTTP 200 whatever `code` says; never an HTML page, never a stack trace."""

        async def answer(request: web.Request) -> web.Response:
            try:
                return _respond(await ask(request))
            except ProtocolError as error:
                caller = self._caller(request)
                logger.info("%s %s of %s refused: %s", request.method, request.path, caller, error.message)
                return _respond(Said(error.code, error.message))
            except web.HTTPRequestEntityTooLarge:
                return _respond(Said(Code.MALFORMED, f"请求体超过 {BODY_BYTES} 字节"))
            except Exception:
                error_id = secrets.token_hex(4)
                logger.exception("%s %s failed, error %s", request.method, request.path, error_id)
                return _respond(Said(Code.INTERNAL, f"网关内部错误（编号 {error_id}）"))

        return answer

    def _caller(self, request: web.Request) -> str:
        forwarded_for = ",".join(request.headers.getall("X-Forwarded-For", []))
        return client_address(request.remote or "", forwarded_for, self._proxies)

    async def _verb(self, request: web.Request) -> Said:
        """`/service/<family>.<Verb>?…`."""
        name = request.match_info["verb"]
        verb = _find(name, self._verbs)
        if request.method != verb.method:
            raise MalformedError(f"{name} 应使用 {verb.method} 方法")
        token = _admit(request, verb.admits)
        call = Call(_query(request.query), await request.read(), token, self._caller(request))
        return await verb.handler(call)

    async def _single(self, request: web.Request) -> Said:
        """`POST /service` with the verb in `sipAction` and the parameters beside it."""
        if request.method != "POST":
            raise MalformedError("/service 应使用 POST 方法")
        token = _admit(request, self._admission.may_turn)
        given = decode_object(check_size(await request.read(), "/service"), "/service")
        params = _lowered(given)
        verb = _find(str(params.get("sipaction", "")), self._orders)
        if not verb.admits(token):
            raise ForbiddenError("TAuth 无效")
        command = json.dumps({"command": given.get("command")}).encode()
        return await verb.handler(Call(params, command, token, self._caller(request)))

    async def _begin(self, call: Call) -> Said:
        camera = self._cameras.get(call.camera_num)
        return Said(await self._channels.begin(camera, call.video_type, parse_push_command(call.body)))

    async def _finish(self, call: Call) -> Said:
        camera, video_type = self._cameras.get(call.camera_num), call.video_type
        # Appendix 3, 404 停止时表示该路视频不存在 is about the camera; a push that is not there is stopped.
        await self._channels.finish(camera, video_type)
        return Said()

    async def _turn(self, call: Call) -> Said:
        camera = self._cameras.get(call.camera_num)
        action = parse_choice(call.required("action"), "action", PtzAction)
        step = parse_int(call.optional("step", 1), "step", low=1, high=8)
        level = Level.SECTION if self._admission.is_section(call.token) else Level.PLATFORM
        orderer = Orderer(level, str(call.optional("user", ""))[:64], call.address)
        await self._control.order(camera, action, step, orderer)
        logger.info("ptz %s: %s step %s", camera.num, action.name, step)
        return Said()

    async def _refresh(self, call: Call) -> Said:
        if self._assigned is None:
            raise NotFoundError("本网关的配置不由平台管理")
        self._assigned.ask_again()
        return Said()

    async def _take_analyses(self, call: Call) -> Said:
        return Said(message=self._intake.take_analyses(call.body, call.department))

    async def _take_qualities(self, call: Call) -> Said:
        return Said(message=self._intake.take_qualities(call.body, call.department))


def _find(name: str, verbs: Mapping[str, Verb]) -> Verb:
    found = verbs.get(name)
    if found is None:
        raise NotFoundError("接口不存在")
    return found


def _admit(request: web.Request, admits: Admits) -> str:
    """The token, when it opens this verb."""
    token = presented_token(request)
    if not admits(token):
        raise ForbiddenError("TAuth 无效")
    version = request.headers.get("AppVersion", "v1.0")
    if version != "v1.0":
        raise MalformedError("AppVersion 应为 v1.0")
    return token


def _respond(said: Said) -> web.Response:
    return web.json_response(envelope(said.code, said.message), dumps=_dump)


def _dump(answer: object) -> str:
    return json.dumps(answer, ensure_ascii=False)


def _query(query: MultiMapping[str]) -> Mapping[str, object]:
    """Names in lower case; an empty value counts as absent, a repeated name is refused."""
    found: dict[str, object] = {}
    for name, value in query.items():
        key = name.lower()
        if key in found:
            raise MalformedError(f"参数 {name} 重复")
        found[key] = value
    return {name: value for name, value in found.items() if value != ""}


def _lowered(given: Mapping[str, object]) -> Mapping[str, object]:
    return {name.lower(): value for name, value in given.items() if value not in ("", None)}


async def _name_ourselves(_: web.Request, response: web.StreamResponse) -> None:
    response.headers["Server"] = SERVER
