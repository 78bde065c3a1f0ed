from django.apps import AppConfig
from django.db.models.signals import pre_save


class CamerasConfig(AppConfig):
    name = "cameras"
    verbose_name = "点位台账"

    def ready(self) -> None:
        from access.models import Organisation
        from cameras.services.departments import follow_organisation

        pre_save.connect(follow_organisation, sender=Organisation, dispatch_uid="cameras.follow_organisation")
