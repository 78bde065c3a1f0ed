"""What the frame of every page says beside the page itself."""

from access.choices import Action
from access.models import User
from access.selectors import paths_allowed
from console.roles import role_of


def frame_of(user: User, page: str) -> dict[str, object]:
    """Context of the top bar."""
    return {
        "page": page,
        "role": role_of(user),
        "may_ministry": bool(paths_allowed(user, Action.MINISTRY)),
        "may_streams": bool(paths_allowed(user, Action.LEDGER)),
    }
