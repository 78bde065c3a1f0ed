"""Upper platforms and who looks after them."""

from django.db.models import QuerySet

from access.choices import Action
from access.models import User
from access.selectors import below_paths, paths_allowed
from ministry.models import UpperPlatform


def platforms_managed_by(user: User) -> QuerySet[UpperPlatform]:
    """Those of which all reported cameras lie where the user may do so."""
    managed = below_paths(paths_allowed(user, Action.MINISTRY), "organisation__path")
    return UpperPlatform.objects.filter(managed).select_related("organisation")
