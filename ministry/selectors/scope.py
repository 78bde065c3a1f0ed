"""Which cameras an upper platform is to hold; what is not in its scope is gone for it."""

from django.db.models import Q

from ministry.models import UpperPlatform


def in_scope(platform: UpperPlatform, camera: str = "") -> Q:
    """Of cameras, or of rows that reach their camera by the field `camera`."""
    prefix = f"{camera}__" if camera else ""
    return Q(
        **{
            f"{prefix}deleted_at": None,
            f"{prefix}is_pending": False,
            f"{prefix}organisation__path__startswith": platform.organisation.path,
        }
    )
