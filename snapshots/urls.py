from django.urls import path

from snapshots import api

urlpatterns = [path("video.SnapShot", api.SnapShot.as_view())]
