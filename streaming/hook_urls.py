from django.urls import path

from streaming import views

urlpatterns = [path("media/<slug:name>", views.media_hook, name="media-hook")]
