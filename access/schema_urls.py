from django.urls import path

from access import views

app_name = "interface"

urlpatterns = [
    path("schema/", views.schema, name="schema"),
    path("docs/", views.interface_page, name="docs"),
]
