"""What packages above may hear of."""

from django.dispatch import Signal

# Sent within the transaction that keeps them; `results` is the list of rows, `cameras` their cameras by id.
results_kept = Signal()
