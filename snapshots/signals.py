"""What packages above may hear of."""

from django.dispatch import Signal

# Sent in the capturing process once the rows of a batch are written: `slot_at` is the beginning of the slot, `shots`
# what came of each camera, gaps too. A picture still carries its planes. Whoever listens holds up the next captures.
pictures_taken = Signal()
