"""VideoInformation: gateways and other partners register and modify cameras through here."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from django.db import IntegrityError, transaction

from access.actors import Actor
from access.models import Organisation, Partner
from access.services.organisations import place_departments
from cameras.choices import ChangeSource
from cameras.models import Camera, Gateway
from cameras.services.ledger import log_batch, may_touch, may_touch_camera
from cameras.services.records import MODIFIED, PENDING, REGISTERED, Registrar, Row, apply_records
from protocol.cameras import BackResult, CameraRecord, parse_camera
from protocol.errors import CameraItemError

__all__ = ["MODIFIED", "PENDING", "REGISTERED", "PartnerRegistrar", "register_cameras"]

_TRIES = 3


def register_cameras(
    *, partner: Partner, actor: Actor, items: Sequence[bytes | msgspec.Raw]
) -> list[BackResult]:
    """Register or modify (document 1.1 a); each item judged alone, one result each in the order sent.

    `items` are raw JSON texts. The same camera twice: both answered, the later wins. The whole batch is
    one transaction. Raises nothing for a bad item.
    """
    read = [_read(raw, partner) for raw in items]
    wanted = {item.camera_num.lower(): item for item in read if isinstance(item, CameraRecord)}
    for tries_left in reversed(range(_TRIES)):
        try:
            with transaction.atomic():
                verdicts = apply_records(PartnerRegistrar(partner), wanted, actor=actor)
                results = [_result(verdicts, item) for item in read]
                log_batch(actor, "登记摄像机", results)
            break
        except IntegrityError:
            # Another batch registered one of the numbers at this moment; now it is known.
            if not tries_left:
                raise
    return results


def _read(raw: bytes | msgspec.Raw, partner: Partner) -> CameraRecord | CameraItemError:
    try:
        return parse_camera(raw, uuid4=partner.needs_uuid4)
    except CameraItemError as error:
        return error


def _result(verdicts: Mapping[str, BackResult], item: CameraRecord | CameraItemError) -> BackResult:
    if isinstance(item, CameraItemError):
        return BackResult(item.camera_num, 1, item.message)
    verdict = verdicts[item.camera_num.lower()]
    # What is refused is answered as it was sent, not as somebody else registered it.
    return verdict if verdict.camera_num else BackResult(item.camera_num, verdict.status, verdict.info)


class PartnerRegistrar(Registrar):
    """Organisation and gateway of the items, looked up once per distinct value."""

    source = ChangeSource.REPORT

    def __init__(self, partner: Partner) -> None:
        self.owner = self._partner = partner
        self._own = Gateway.objects.filter(partner=partner).first()
        self._offices: dict[tuple[str, str], Organisation] = {}
        self._gateways: dict[str, Gateway] = {}

    def may_touch_row(self, row: Row) -> bool:
        return may_touch(
            self._partner,
            path=row.organisation_path,
            owner_id=row.owner_id,
            gateway_partner_id=row.gateway_partner_id,
        )

    def may_touch_camera(self, camera: Camera) -> bool:
        return may_touch_camera(self._partner, camera)

    def place(self, items: Iterable[CameraRecord]) -> None:
        pairs, codes = set(), set()
        for item in items:
            pairs.add((item.department, item.road_section))
            codes.add(item.gateway_num)
        within = self._partner.organisation
        self._offices = place_departments(within=within, pairs=sorted(pairs))
        below = Gateway.objects.filter(code__in=codes, partner__organisation__path__startswith=within.path)
        self._gateways = {gateway.code: gateway for gateway in below}

    def office_id(self, item: CameraRecord) -> int:
        return self._offices[item.department, item.road_section].pk

    def gateway_id(self, item: CameraRecord, held: int | None) -> int | None:
        gateway = self._gateway(item)
        return gateway.pk if gateway else held

    def must_be_reviewed(self, item: CameraRecord) -> bool:
        # Naming another gateway is no way around the review of one's own.
        if self._own is not None and self._own.is_review_first:
            return True
        gateway = self._gateway(item)
        return gateway is not None and gateway.is_review_first

    def _gateway(self, item: CameraRecord) -> Gateway | None:
        return self._gateways.get(item.gateway_num, self._own)
