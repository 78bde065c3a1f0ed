"""The log of PTZ is for reading: nobody adds, changes or deletes a row (document 4.1 2.b)."""

import pytest
from django.test import Client
from django.urls import reverse

from access.models import User
from cameras.models import Camera
from ptz.models import PtzOrder
from tests.ptz.conftest import Operator

pytestmark = pytest.mark.django_db


def test_orders_are_shown_and_cannot_be_touched(superuser: User, wang: Operator, dome: Camera) -> None:
    wang.move(dome)
    client = Client()
    client.force_login(superuser)
    listed = client.get(reverse("admin:ptz_ptzorder_changelist"))
    assert listed.status_code == 200
    assert "云台向左转动成功" in listed.content.decode()
    assert client.get(reverse("admin:ptz_ptzlease_changelist")).status_code == 200
    order = PtzOrder.objects.get()
    assert client.get(reverse("admin:ptz_ptzorder_add")).status_code == 403
    assert (
        client.post(reverse("admin:ptz_ptzorder_delete", args=[order.pk]), {"post": "yes"}).status_code == 403
    )
    client.post(reverse("admin:ptz_ptzorder_change", args=[order.pk]), {"message": "nothing happened"})
    order.refresh_from_db()
    assert order.message == "云台向左转动成功"
