from django.urls import path

from streaming import views

urlpatterns = [
    path("media/<slug:name>", views.media_hook, name="media-hook"),
    path("media/<slug:name>/hls-file", views.hls_file, name="hls-file"),
    path("media/<slug:name>/hls-entry/<slug:stream>", views.hls_entry, name="hls-entry"),
    path("media/<slug:name>/<slug:hook>", views.media_hook, name="media-event"),
]
