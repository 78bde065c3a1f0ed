"""Cameras are found by the initials of their names, however the names came and changed."""

import pytest

from access.actors import SYSTEM
from access.models import User
from cameras.initials import initials_of
from cameras.models import Camera
from cameras.selectors import search_cameras
from cameras.services.ledger import save_camera
from tests.cameras.ledger import camera, register, wire
from tests.cast import Caller


@pytest.mark.parametrize(
    ("text", "initials"),
    [
        ("江苏南京段", "jsnjd"),
        ("G25 (长深高速) K1100+300", "g25csgsk1100300"),
        ("重庆 厦门 衢州", "cqxmqz"),
        ("Ω—，·", ""),
        ("", ""),
    ],
)
def test_letters_of_a_text(text: str, initials: str) -> None:
    assert initials_of(text) == initials


@pytest.mark.django_db
class TestFound:
    def found(self, user: User, words: str) -> set[str]:
        return {one.number for one in search_cameras(user, words)}

    def test_however_it_came(self, province_admin: User, gateway_partner: Caller) -> None:
        register(gateway_partner, wire(1, cameraName="南京金牛湖服务区"), wire(2, cameraName="常州北"))
        assert self.found(province_admin, "njjnh") == {camera(1).number}
        assert self.found(province_admin, "NJJNH") == {camera(1).number}
        register(gateway_partner, wire(1, cameraName="镇江茅山"))
        assert self.found(province_admin, "njjnh") == set()
        assert self.found(province_admin, "zjms") == {camera(1).number}
        renamed = camera(2)
        renamed.name = "无锡惠山"
        renamed.full_clean()
        save_camera(camera=renamed, actor=SYSTEM)
        assert self.found(province_admin, "wxhs") == {camera(2).number}

    def test_beside_a_road(self, province_admin: User, gateway_partner: Caller) -> None:
        register(gateway_partner, wire(1, cameraName="南京段", road="G25"), wire(2, cameraName="南京段", road="S38"))
        assert self.found(province_admin, "G25 njd") == {camera(1).number}

    def test_a_dot_is_no_letter(self, province_admin: User, gateway_partner: Caller) -> None:
        register(gateway_partner, wire(1, cameraName="南京段"))
        assert self.found(province_admin, "n_d") == set()
        assert Camera.objects.get().initials == "njd"
