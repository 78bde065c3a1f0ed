"""The rivals of bench/partner_api.py, served by the same process: what one writes without thinking of speed."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.urls import include, path
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, ValidationError
from rest_framework.parsers import JSONParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import (
    CharField,
    IntegerField,
    ModelSerializer,
    RegexField,
    Serializer,
    SerializerMethodField,
    UUIDField,
)
from rest_framework.views import APIView

from access.models import Organisation, Partner, PartnerToken
from access.services.organisations import place_department
from cameras.models import Camera, PtzGrant
from protocol.tokens import token_digest
from streaming.choices import VideoType
from streaming.selectors import Placement
from streaming.services.play import PlayUrls, play_urls


class Constant(APIView):
    """An APIView that does nothing: the ceiling of what DRF can answer."""

    authentication_classes = ()
    permission_classes = ()
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        return Response({"code": 200, "msg": "成功"})


class OrmToken(BaseAuthentication):
    """The token as an ORM row with its partner."""

    def authenticate(self, request: Request) -> tuple[Partner, PartnerToken]:
        digest = token_digest(request.META.get("HTTP_TAUTH", ""))
        token = (
            PartnerToken.objects.select_related("partner__organisation")
            .filter(digest=digest, revoked_at=None, expires_at__gt=timezone.now())
            .first()
        )
        if token is None:
            raise AuthenticationFailed
        return token.partner, token


def _partner(request: Request) -> Partner:
    token = request.auth
    if not isinstance(token, PartnerToken):
        raise AuthenticationFailed
    return token.partner


class EntrySerializer(ModelSerializer[Camera]):
    cameraNum = CharField(source="number")
    flv_url = SerializerMethodField()
    hls_url = SerializerMethodField()
    isCameraControl = SerializerMethodField()
    online = SerializerMethodField()
    message = CharField(source="name")

    class Meta:
        model = Camera
        fields = ("cameraNum", "flv_url", "hls_url", "isCameraControl", "online", "message")

    def get_flv_url(self, camera: Camera) -> str:
        return self._urls(camera).flv_url

    def get_hls_url(self, camera: Camera) -> str:
        return self._urls(camera).hls_url

    def _urls(self, camera: Camera) -> PlayUrls:
        if "urls" not in camera.__dict__:
            camera.__dict__["urls"] = play_urls(
                camera, VideoType.LOW, placement=self.context.get("placement")
            )
        urls: PlayUrls = camera.__dict__["urls"]
        return urls

    def get_isCameraControl(self, camera: Camera) -> int:
        is_opened = camera.__dict__.get("is_opened")
        return int(camera.can_ptz and (camera.ptz_grants.exists() if is_opened is None else is_opened))

    def get_online(self, camera: Camera) -> int:
        return int(camera.status == 1)


class OrmPlayURL(APIView):
    """The verb as ModelSerializer, ORM token and ORM row."""

    authentication_classes = (OrmToken,)
    permission_classes = ()
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        camera = Camera.objects.filter(
            number_key=request.query_params["cameraNum"].lower(),
            deleted_at=None,
            organisation__path__startswith=_partner(request).organisation.path,
        ).first()
        return Response({"code": 200, "msg": "成功", "videoRequestUrl": [EntrySerializer(camera).data]})


class OrmPlayURLs(APIView):
    """The same for a department: one query, one look at the media servers, then the serializer."""

    authentication_classes = (OrmToken,)
    permission_classes = ()
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        partner = _partner(request)
        node = Organisation.objects.get(name=request.query_params["department"])
        cameras = Camera.objects.filter(
            deleted_at=None, is_pending=False, organisation__path__startswith=node.path
        ).annotate(is_opened=Exists(PtzGrant.objects.filter(camera=OuterRef("pk"), partner=partner)))
        entries = EntrySerializer(cameras, many=True, context={"placement": Placement()})
        return Response({"code": 200, "msg": "成功", "videoRequestUrl": entries.data})


class RegistrationSerializer(Serializer[Camera]):
    """The fields of VideoInformation as DRF validates them."""

    department = CharField(max_length=64)
    cameraNum = UUIDField()
    cameraName = CharField(max_length=128)
    longAndLati = RegexField(r"^\d{2,3}(\.\d+)?/\d{1,2}(\.\d+)?$")
    road = CharField(max_length=64)
    classify = IntegerField(min_value=0, max_value=8)
    cameraOrientation = IntegerField(min_value=0, max_value=2)
    pileNum = RegexField(r"^K\d{1,4}\+\d{3}$")
    area = RegexField(r"^\d{6}$")
    roadSec = CharField(max_length=64)
    cameraType = IntegerField(min_value=1, max_value=4)
    gatewayNum = CharField(max_length=64, allow_blank=True, required=False)
    poiName = CharField(max_length=128, allow_blank=True, required=False)
    others = CharField(max_length=2000, allow_blank=True, required=False)

    def validate_longAndLati(self, value: str) -> str:
        longitude, latitude = (float(part) for part in value.split("/"))
        if not (73 <= longitude <= 136 and 3 <= latitude <= 54):
            raise ValidationError("outside")
        return value


class OrmRegister(APIView):
    """VideoInformation with many=True and bulk_create(update_conflicts); a verdict for each item."""

    authentication_classes = (OrmToken,)
    permission_classes = ()
    parser_classes = (JSONParser,)
    renderer_classes = (JSONRenderer,)

    def post(self, request: Request) -> Response:
        serializer = RegistrationSerializer(data=request.data, many=True)
        serializer.is_valid()
        root, cameras, results = _partner(request).organisation, {}, []
        offices: dict[tuple[str, str], Organisation] = {}
        faults: dict[int, object] = serializer.errors or {}
        for index, given in enumerate(request.data):
            errors = faults.get(index)
            results.append(
                {"cameraNum": given["cameraNum"], "status": int(bool(errors)), "info": str(errors)}
            )
            if errors:
                continue
            place = given["department"], given["roadSec"]
            if place not in offices:
                offices[place] = place_department(within=root, department=place[0], road_section=place[1])
            cameras[given["cameraNum"].lower()] = _camera_of(given, offices[place])
        Camera.objects.bulk_create(
            cameras.values(),
            batch_size=1000,
            update_conflicts=True,
            unique_fields=["number_key"],
            update_fields=[
                "name",
                "longitude",
                "latitude",
                "road",
                "classify",
                "orientation",
                "stake",
                "stake_m",
            ],
        )
        return Response({"code": 200, "msg": "成功", "backResult": results})


def _camera_of(given: dict[str, Any], office: Organisation) -> Camera:
    longitude, latitude = (float(part) for part in given["longAndLati"].split("/"))
    return Camera(
        number=given["cameraNum"],
        number_key=given["cameraNum"].lower(),
        organisation=office,
        name=given["cameraName"],
        longitude=longitude,
        latitude=latitude,
        road=given["road"],
        classify=given["classify"],
        orientation=given["cameraOrientation"],
        stake=given["pileNum"],
        stake_m=int(given["pileNum"][1:].replace("+", "")),
        area=given["area"],
        camera_type=given["cameraType"],
        poi_name=given["poiName"],
        others=given["others"],
    )


urlpatterns = [
    path("rival/constant", Constant.as_view()),
    path("rival/orm", OrmPlayURL.as_view()),
    path("rival/orm_all", OrmPlayURLs.as_view()),
    path("rival/register", OrmRegister.as_view()),
    path("", include("province.urls")),
]
