"""The rivals of bench/partner_api.py, served by the same process: what one writes without thinking of speed."""

from django.urls import include, path
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import CharField, ModelSerializer, SerializerMethodField
from rest_framework.views import APIView

from access.models import Partner, PartnerToken
from cameras.models import Camera
from protocol.tokens import token_digest
from streaming.choices import VideoType
from streaming.services.play import play_urls


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
        return play_urls(camera, VideoType.LOW).flv_url

    def get_hls_url(self, camera: Camera) -> str:
        return play_urls(camera, VideoType.LOW).hls_url

    def get_isCameraControl(self, camera: Camera) -> int:
        return int(camera.can_ptz and camera.ptz_grants.exists())

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


urlpatterns = [
    path("rival/constant", Constant.as_view()),
    path("rival/orm", OrmPlayURL.as_view()),
    path("", include("province.urls")),
]
