"""The frame of notices, which also views and handlers show that know nothing of it."""

from django import template

from access.models import User
from access.sign_in_steps import open_step
from console.frame import frame_of

register = template.Library()


@register.simple_tag(takes_context=True)
def framed(context: template.Context) -> str:
    """Fills in what the top bar needs where somebody is signed in; nobody else has a menu."""
    request, user = context.get("request"), context.get("user")
    if request is None or not isinstance(user, User) or open_step(request) is not None:
        return ""
    for name, value in frame_of(user, "notice").items():
        if name not in context:
            context[name] = value
    context["has_frame"] = True
    return ""
