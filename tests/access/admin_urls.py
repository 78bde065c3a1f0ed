"""The admin beside the probes; apart from them, as it needs every app to be whole.

With the console, whose frame stands around what is refused.
"""

from django.contrib import admin
from django.urls import include, path

from tests.access import urls

urlpatterns = [path("admin/", admin.site.urls), *urls.urlpatterns, path("", include("console.urls"))]
