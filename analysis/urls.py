from django.urls import path

from analysis import api

urlpatterns = [
    path("video.ReportAnalyse", api.ReportAnalyse.as_view()),
    path("video.ReporlAnalyse", api.ReportAnalyse.as_view()),
]
