"""JSON that leaves the console."""

from collections.abc import Mapping

from django.http import JsonResponse


def answer(content: Mapping[str, object]) -> JsonResponse:
    return JsonResponse(dict(content), json_dumps_params={"ensure_ascii": False})
