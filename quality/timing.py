"""How often bursts are looked at, and how many: known without what it takes to look (NumPy, the decoder)."""

from typing import Final

# Rounds follow each other so closely that one is small: it shares its worker with the captures.
ROUND_SECONDS: Final = 15
MOST_AT_ONCE: Final = 32
