"""PTZControl (document appendix 1, 2.2)."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from access.choices import Scope
from access.verbs import VerbView
from cameras.models import Camera
from cameras.selectors import find_camera
from protocol.codes import Code, ItemStatus, PtzAction
from protocol.errors import ProtocolError
from ptz import openapi
from ptz.choices import PtzLevel, PtzOutcome
from ptz.services import move_ptz, note_refused_request


class PTZControl(VerbView):
    """One order of the ministry; the answer says in words what came of it."""

    scope = Scope.PTZ
    operation = openapi.PTZ_CONTROL

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Document 4.1 2.b: every operation is logged, so are those refused before they are looked at."""
        try:
            super().initial(request, *args, **kwargs)
        except ProtocolError as error:
            # Whose request it was is known from its token; without one there is nobody to name.
            if self.profile is not None:
                self._note(error)
            raise

    def get(self, request: object) -> Response:
        camera, action, step = self._order()
        result = move_ptz(
            camera=camera,
            action=action,
            step=step,
            level=PtzLevel.MINISTRY,
            actor=self.actor,
            partner=self.partner,
        )
        is_done = result.outcome == PtzOutcome.DONE
        is_forbidden = result.outcome in (PtzOutcome.HELD, PtzOutcome.NOT_OPENED)
        body = {
            "cameraName": camera.name,
            "status": int(ItemStatus.DONE if is_done else ItemStatus.FAILED),
            "message": result.message,
            "cameraNum": camera.number,
        }
        code = Code.FORBIDDEN if is_forbidden else Code.OK
        return self.answer({"PTZControl": body}, code=code, msg=None if is_done else result.message)

    def _order(self) -> tuple[Camera, PtzAction, int]:
        try:
            number = self.params.text("cameraNum", required=True)
            action = self.params.integer("action", min(PtzAction), max(PtzAction), required=True)
            step = self.params.integer("step", 1, openapi.MOST_STEP, default=1)
            return find_camera(self.partner, number), PtzAction(action), step
        except ProtocolError as error:
            self._note(error)
            raise

    def _note(self, error: ProtocolError) -> None:
        note_refused_request(actor=self.actor, camera_num=self._told_number(), reason=error.message)

    def _told_number(self) -> str:
        try:
            return self.params.text("cameraNum") or ""
        except ProtocolError:
            return ""
