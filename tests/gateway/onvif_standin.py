"""A dome camera as far as ONVIF goes: real SOAP over real HTTP, passwords checked, a clock of its own."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from xml.etree import ElementTree

from gateway.onvif.soap import NAMESPACES, parse_xml

USER, PASSWORD = "admin", "p<ss&word"
AHEAD = timedelta(hours=3)
_WSSE = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd}"
_WSU = "{http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd}"
_FAULT = (
    "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>{code}</s:Value></s:Subcode></s:Code>"
    '<s:Reason><s:Text xml:lang="en">{text}</s:Text></s:Reason></s:Fault>'
)


class OnvifStandIn:
    """`calls`: every order as (name, what matters of it). `faults`: how many orders of a name still fail."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.calls: list[tuple[str, str]] = []
        self.faults: dict[str, int] = {}
        # What it says of its lens; None: it does not know the question.
        self.iris: str | None = "6"
        self.iris_range: tuple[float, float] | None = (0, 16)
        self.exposure_modes: tuple[str, ...] = ("AUTO", "MANUAL")
        self.exposure_mode = self.focus_mode = "AUTO"
        self.focus_options: str | None = move_options("Continuous", "Speed", -1, 1)
        self.wants_digest = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/onvif/device_service"

    def answer(self, body: bytes) -> tuple[int, str]:
        envelope = parse_xml(body)
        order = envelope.find("s:Body", NAMESPACES)[0]  # type: ignore[index]
        name = order.tag.rpartition("}")[2]
        if name == "GetSystemDateAndTime":
            return 200, self._clock()
        if not self._knows(envelope):
            return 400, _FAULT.format(code="ter:NotAuthorized", text="Sender not authorized")
        if name == "GetCapabilities":
            return 200, _CAPABILITIES
        if name == "GetProfiles":
            return 200, _PROFILES
        self.calls.append((name, _essence(order)))
        if self.faults.get(name, 0) > 0:
            self.faults[name] -= 1
            return 500, _FAULT.format(code="ter:Action", text="motor blocked")
        return self._imaging(name, order)

    def _imaging(self, name: str, order: ElementTree.Element) -> tuple[int, str]:
        if name == "GetImagingSettings":
            iris = f"<tt:Iris>{self.iris}</tt:Iris>" if self.iris is not None else ""
            exposure = f"<tt:Mode>{self.exposure_mode}</tt:Mode><tt:Gain>12</tt:Gain>{iris}"
            focus = f"<tt:AutoFocusMode>{self.focus_mode}</tt:AutoFocusMode>"
            settings = f"<tt:Exposure>{exposure}</tt:Exposure><tt:Focus>{focus}</tt:Focus>"
            return 200, f"<timg:X><timg:ImagingSettings>{settings}</timg:ImagingSettings></timg:X>"
        if name == "GetOptions":
            modes = "".join(f"<tt:Mode>{mode}</tt:Mode>" for mode in self.exposure_modes)
            iris = f"<tt:Iris>{_ends(*self.iris_range)}</tt:Iris>" if self.iris_range else ""
            exposure = f"<tt:Exposure>{modes}{iris}</tt:Exposure>"
            return 200, f"<timg:X><timg:ImagingOptions>{exposure}</timg:ImagingOptions></timg:X>"
        if name == "GetMoveOptions":
            if self.focus_options is None:
                return 400, _FAULT.format(code="ter:ActionNotSupported", text="not implemented")
            return 200, f"<timg:X><timg:MoveOptions>{self.focus_options}</timg:MoveOptions></timg:X>"
        if name == "SetImagingSettings":
            self.exposure_mode = order.findtext(".//tt:Exposure/tt:Mode", self.exposure_mode, NAMESPACES)
            self.focus_mode = order.findtext(".//tt:AutoFocusMode", self.focus_mode, NAMESPACES)
            self.iris = order.findtext(".//tt:Iris", self.iris, NAMESPACES)
        return 200, f"<tptz:{name}Response/>"

    def _clock(self) -> str:
        now = datetime.now(UTC) + AHEAD
        time = f"<tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
        date = f"<tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
        stamp = f"<tt:UTCDateTime><tt:Time>{time}</tt:Time><tt:Date>{date}</tt:Date></tt:UTCDateTime>"
        return f"<tds:X><tds:SystemDateAndTime>{stamp}</tds:SystemDateAndTime></tds:X>"

    def _knows(self, envelope: ElementTree.Element) -> bool:
        token = envelope.find(f".//{_WSSE}UsernameToken")
        if token is None:
            return False
        nonce = base64.b64decode(token.findtext(f"{_WSSE}Nonce", ""))
        created = token.findtext(f"{_WSU}Created", "")
        wanted = hashlib.sha1(nonce + created.encode() + PASSWORD.encode(), usedforsecurity=False).digest()
        stamp = datetime.strptime(created, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        is_fresh = abs(stamp - datetime.now(UTC) - AHEAD) < timedelta(seconds=10)
        given = token.findtext(f"{_WSSE}Password", "")
        is_user = token.findtext(f"{_WSSE}Username") == USER
        return is_user and is_fresh and given == base64.b64encode(wanted).decode()


def move_options(kind: str, what: str, low: float, high: float) -> str:
    return f"<tt:{kind}><tt:{what}>{_ends(low, high)}</tt:{what}></tt:{kind}>"


def _ends(low: float, high: float) -> str:
    return f"<tt:Min>{low:g}</tt:Min><tt:Max>{high:g}</tt:Max>"


def _essence(order: ElementTree.Element) -> str:
    """Texts and speeds of what was ordered, without the tokens."""
    found = []
    for element in order.iter():
        if element.get("x") is not None:
            found.append(",".join(filter(None, (element.get("x"), element.get("y")))))
        elif element.text and not element.tag.endswith("Token"):
            found.append(element.text)
    return " ".join(found)


# The addresses name a host that is nobody's, as devices behind a NAT do.
_CAPABILITIES = (
    "<tds:X><tds:Capabilities>"
    "<tt:Imaging><tt:XAddr>http://192.0.2.1/onvif/imaging</tt:XAddr></tt:Imaging>"
    "<tt:Media><tt:XAddr>http://192.0.2.1/onvif/media</tt:XAddr></tt:Media>"
    "<tt:PTZ><tt:XAddr>http://192.0.2.1/onvif/ptz</tt:XAddr></tt:PTZ></tds:Capabilities></tds:X>"
)
_PROFILES = (
    '<trt:X><trt:Profiles token="fixed"/><trt:Profiles token="dome">'
    "<tt:VideoSourceConfiguration><tt:SourceToken>lens</tt:SourceToken></tt:VideoSourceConfiguration>"
    '<tt:PTZConfiguration token="p"/></trt:Profiles></trt:X>'
)


class _Handler(BaseHTTPRequestHandler):
    standin: OnvifStandIn

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.standin.wants_digest and "Authorization" not in self.headers:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Digest realm="dome", nonce="1", qop="auth"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        status, answer = self.standin.answer(body)
        names = " ".join(f'xmlns:{name}="{uri}"' for name, uri in NAMESPACES.items())
        envelope = f"<s:Envelope {names}><s:Body>{answer}</s:Body></s:Envelope>".encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(envelope)))
        self.end_headers()
        self.wfile.write(envelope)

    def log_message(self, *_: object) -> None:
        return


@contextmanager
def onvif_standin() -> Iterator[OnvifStandIn]:
    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    standin = handler.standin = OnvifStandIn(server.server_address[1])  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield standin
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
