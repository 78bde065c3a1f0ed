"""How the forms of 用户与权限 take a camera or a person by what people call them, and suggest who is meant."""

from dataclasses import dataclass
from typing import Final

from django.db.models import Q, QuerySet

from access.models import User
from access.selectors import users_overseen_by
from cameras.models import Camera
from cameras.selectors import cameras_found
from cameras.visibility import cameras_overseen_by
from protocol.errors import MalformedError, NotFoundError, shorten

LONGEST_TEXT: Final = 100
MOST_CHOICES: Final = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """`value` is what a form sends."""

    value: str
    name: str
    about: str


def named_camera(user: User, text: str) -> Camera | None:
    """By its number, or by the id that a link carries."""
    cameras = cameras_overseen_by(user).select_related("organisation", "organisation__parent")
    by = Q(number_key=text.lower())
    if text.isascii() and text.isdigit() and len(text) < 19:
        by |= Q(pk=int(text))
    return cameras.filter(by).first()


def cameras_meant(user: User, text: str) -> list[Camera]:
    """Cameras by number, stake, road, name or initials; a single one where no other can be meant."""
    if (named := named_camera(user, text)) is not None:
        return [named]
    if not text:
        return []
    overseen = cameras_overseen_by(user).select_related("organisation", "organisation__parent")
    found = cameras_found(overseen, text).order_by("road", "stake_m", "orientation", "pk")
    shown = list(found[: MOST_CHOICES + 1])
    words = {word.upper() for word in text.split()}
    exact = [camera for camera in shown if camera.name == text or words == {camera.road, camera.stake}]
    return exact if len(exact) == 1 else shown


def camera_meant(user: User, text: str) -> Camera:
    found = cameras_meant(user, text)
    if not found:
        raise NotFoundError(f"没有找到“{shorten(text)}”，可按桩号、路线、名称、拼音首字母或编号填写")
    if len(found) > 1:
        count = f"{len(found)} 路" if len(found) <= MOST_CHOICES else f"不止 {MOST_CHOICES} 路"
        raise MalformedError(f"“{shorten(text)}”对应{count}摄像机，请从列出的选择一路")
    return found[0]


def camera_choices(user: User, text: str) -> list[Choice]:
    return [choice_of(camera) for camera in cameras_meant(user, text)[:MOST_CHOICES]]


def choice_of(camera: Camera) -> Choice:
    name = f"{camera.road} {camera.stake} {camera.get_orientation_display()} {camera.name}"
    return Choice(camera.number, name, camera.organisation.name)


def camera_choice(user: User, text: str) -> Choice | None:
    camera = named_camera(user, text) if text else None
    return None if camera is None else choice_of(camera)


def person_meant(user: User, text: str) -> User:
    """By username, also somebody of another company: whose cameras these are decides who may be let in.

    By the name people are called only those whom `user` oversees, and where one alone is called so.
    """
    active = User.objects.filter(is_active=True)
    if text and (found := active.filter(username__iexact=text).first()) is not None:
        return found
    called = list(_overseen(user).filter(full_name=text)[:2]) if text else []
    if not called:
        raise MalformedError(f"没有用户名为“{shorten(text)}”的启用用户")
    if len(called) > 1:
        raise MalformedError(f"不止一人叫“{shorten(text)}”，请填写用户名")
    return called[0]


def person_choices(user: User, text: str) -> list[Choice]:
    people = _overseen(user)
    for word in text.split():
        people = people.filter(Q(username__icontains=word) | Q(full_name__icontains=word))
    found = people.order_by("full_name", "username")[:MOST_CHOICES] if text else []
    return [_choice_of_person(person) for person in found]


def person_choice(user: User, text: str) -> Choice | None:
    person = _overseen(user).filter(username__iexact=text).first() if text else None
    return None if person is None else _choice_of_person(person)


def _overseen(user: User) -> QuerySet[User]:
    return users_overseen_by(user).filter(is_active=True).select_related("organisation")


def _choice_of_person(person: User) -> Choice:
    place = person.organisation.name if person.organisation else ""
    return Choice(person.username, f"{person.display_name}（{person.username}）", place)
