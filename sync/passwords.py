"""A new password signs the account out everywhere (ASVS 5.0, 7.4.3): who had the old one shall not stay inside.

Nothing is wiped: a phone keeps what waits in its queue, and sends it when its person has logged in again.
"""

from django.contrib.auth.base_user import AbstractBaseUser
from django.utils.translation import gettext

from sync.auth import end_all


class SignsOut:
    """One of AUTH_PASSWORD_VALIDATORS: Django tells them of each new password, whoever sets it and where."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        """Any password will do here."""

    def password_changed(self, password: str, user: AbstractBaseUser) -> None:
        """Also for a new account, which has no devices yet."""
        end_all(user=str(user.pk))

    def get_help_text(self) -> str:
        """Stands below the field."""
        return gettext("A new password signs the account out on all other devices.")
