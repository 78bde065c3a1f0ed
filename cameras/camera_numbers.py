"""Naming a camera in the admin by its number: for people who keep the system and see no cameras."""

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.widgets import AdminTextInputWidget
from django.core.exceptions import ValidationError
from django.db.models import Field
from django.http import HttpRequest

from cameras.models import Camera


class CameraNumberField(forms.ModelChoiceField[Camera]):
    """One camera by its whole number; that there is none is all that can be found out."""

    widget = AdminTextInputWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Camera.objects.filter(deleted_at=None), to_field_name="number_key", **kwargs)
        self.help_text = "填写完整的摄像机编号（在点位台账或网关的配置里），不分大小写"

    def prepare_value(self, value: Any) -> Any:
        """What is stored is the id."""
        if isinstance(value, int):
            return Camera.objects.filter(pk=value).values_list("number", flat=True).first()
        return value.number if isinstance(value, Camera) else value

    def to_python(self, value: Any) -> Camera | None:
        number = str(value or "").strip()
        try:
            found: Camera | None = super().to_python(number.lower()) if number.isprintable() else None
        except ValidationError:
            found = None
        if number and found is None:
            raise ValidationError(f"没有编号为“{number[:64]}”的摄像机")
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        shown = self.prepare_value(initial) or ""
        return str(shown).lower() != str(data or "").strip().lower()


class NamesCamera(admin.ModelAdmin[Any]):
    """Admin of what belongs to one `camera`: whoever may look through the ledger picks it there, others write its
    number.
    """

    autocomplete_fields = ["camera"]
    search_fields = ["camera__name", "camera__number_key"]

    def formfield_for_dbfield(self, db_field: Field[Any, Any], request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "camera" and not request.user.has_perm("cameras.view_camera"):
            return CameraNumberField(label=db_field.verbose_name)
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    @admin.display(description="摄像机编号", ordering="camera__number_key")
    def camera_number(self, row: Any) -> str:
        return str(row.camera.number)
