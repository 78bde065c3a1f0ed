from django.urls import path

from ptz import api

urlpatterns = [path("video.PTZControl", api.PTZControl.as_view())]
