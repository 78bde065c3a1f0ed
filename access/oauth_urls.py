from django.urls import path
from oauth2_provider.views import RevokeTokenView, TokenView

# The namespace under which the library looks for its own pages.
app_name = "oauth2_provider"

urlpatterns = [
    path("token/", TokenView.as_view(), name="token"),
    path("revoke_token/", RevokeTokenView.as_view(), name="revoke-token"),
]
