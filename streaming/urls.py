from django.urls import path

from streaming import api

urlpatterns = [path("video.GetCameraPlayURL", api.GetCameraPlayURL.as_view())]
