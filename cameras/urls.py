from django.urls import path

from cameras import api

urlpatterns = [
    path("video.VideoInformation", api.VideoInformation.as_view()),
    path("video.VideoInformationDel", api.VideoInformationDel.as_view()),
    path("video.ReportCameraStatus", api.ReportCameraStatus.as_view()),
    path("video.GetDepartmentVideoInfo", api.GetDepartmentVideoInfo.as_view()),
    path("video.GetCameraStatus", api.GetCameraStatus.as_view()),
]
