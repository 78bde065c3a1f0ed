"""Painting takes a hundred megabytes for a moment; the system gets them back."""

import ctypes
from typing import Final

_LIBC: Final = ctypes.CDLL(None)


def return_memory() -> None:
    """Does nothing where the C library is not glibc."""
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
