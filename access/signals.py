"""What the layers above have to hear of; sent inside the transaction that does it."""

from django.dispatch import Signal

# Browsers of `user_id` were signed out by somebody, or by a new password.
signed_out = Signal()
# All tokens of `partner_id` ended at once.
tokens_revoked = Signal()
