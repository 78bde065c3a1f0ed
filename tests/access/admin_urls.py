"""The admin beside the probes; apart from them, as it needs every app to be whole."""

from django.contrib import admin
from django.urls import path

from tests.access import urls

urlpatterns = [path("admin/", admin.site.urls), *urls.urlpatterns]
