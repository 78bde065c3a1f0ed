from django.urls import path

from cameras import api, gateway_api
from protocol.configuration import GET_CONFIGURATION, REPORT_CONFIGURATION

urlpatterns = [
    path("video.VideoInformation", api.VideoInformation.as_view()),
    path("video.VideoInformationDel", api.VideoInformationDel.as_view()),
    path("video.ReportCameraStatus", api.ReportCameraStatus.as_view()),
    path("video.GetDepartmentVideoInfo", api.GetDepartmentVideoInfo.as_view()),
    path("video.GetCameraStatus", api.GetCameraStatus.as_view()),
    path(GET_CONFIGURATION, gateway_api.GetConfiguration.as_view()),
    path(REPORT_CONFIGURATION, gateway_api.ReportConfiguration.as_view()),
]
