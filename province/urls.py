"""Composition of all pages and verbs."""

from django.contrib import admin
from django.urls import include, path

from access.handlers import bad_request, not_found, permission_denied, server_error, unknown_verb

urlpatterns = [
    path("service/", include("access.urls")),
    path("service/", include("cameras.urls")),
    path("service/", include("streaming.urls")),
    path("service/", include("snapshots.urls")),
    path("service/", include("ptz.urls")),
    path("service/", include("quality.urls")),
    path("service/", include("analysis.urls")),
    path("service/<path:verb>", unknown_verb),
    path("oauth/", include("access.oauth_urls")),
    path("api/", include("access.schema_urls")),
    path("hooks/", include("streaming.hook_urls")),
    path("snapshots/", include("snapshots.picture_urls")),
    path("admin/", admin.site.urls),
    path("", include("console.urls")),
]

handler400 = bad_request
handler403 = permission_denied
handler404 = not_found
handler500 = server_error
