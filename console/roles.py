"""What a person is called beside their name."""

from access.models import StaffRole, User


def role_of(user: User) -> str:
    if user.is_superuser:
        return "超级管理员"
    role = StaffRole.objects.filter(user=user).order_by("pk").first()
    return role.get_role_display() if role else "用户"
