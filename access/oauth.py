"""OAuth 2.0 client_credentials for partners: nobody gets more than the partner's own scopes."""

from typing import Any

from oauth2_provider.oauth2_validators import OAuth2Validator
from oauth2_provider.scopes import BaseScopes

from access.choices import Scope
from access.models import Application


class PartnerScopes(BaseScopes):
    """The scopes of a client are those of its partner; asking for none means all of them."""

    def get_all_scopes(self) -> dict[str, str]:
        return dict(Scope.choices)

    def get_available_scopes(
        self, application: Application | None = None, request: object = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        partner = getattr(application, "partner", None)
        return list(partner.scopes) if partner else []

    def get_default_scopes(
        self, application: Application | None = None, request: object = None, *args: Any, **kwargs: Any
    ) -> list[str]:
        return self.get_available_scopes(application)


class PartnerValidator(OAuth2Validator):
    """Only client_credentials, and only for active partners (`Application.is_usable`)."""

    def validate_grant_type(
        self, client_id: str, grant_type: str, client: object, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        if grant_type != "client_credentials":
            return False
        return bool(super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs))

    def validate_user(
        self, username: str, password: str, client: object, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        # The library asks this before the kind of grant: a partner could try out passwords of staff.
        return False

    def _load_application(self, client_id: str | None, request: Any) -> Application | None:
        # PostgreSQL cannot even be asked for such a name: HTTP 500 without this.
        if client_id and "\0" in client_id:
            return None
        application: Application | None = super()._load_application(client_id, request)
        return application
