from django.urls import path

from access.api import TokenInfoView

urlpatterns = [path("video.TokenInfo", TokenInfoView.as_view())]
