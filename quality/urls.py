from django.urls import path

from quality import api

urlpatterns = [path("video.ReportCameraQuality", api.ReportCameraQuality.as_view())]
