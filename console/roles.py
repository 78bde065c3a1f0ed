"""What a person is called beside their name."""

from django.utils import timezone

from access.models import StaffRole, User
from access.models.staff import in_force


def role_of(user: User) -> str:
    if user.is_superuser:
        return "超级管理员"
    if user.is_screen:
        return "大屏"
    held = StaffRole.objects.filter(in_force(timezone.now()), user=user)
    role = held.order_by("pk").first()
    return role.get_role_display() if role else "用户"
