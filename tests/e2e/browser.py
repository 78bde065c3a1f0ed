"""Debian's Chromium for playwright."""

import shutil
from typing import Final

from playwright.sync_api import expect

CHROMIUM_ARGUMENTS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


# What a page has to show is waited for; a busy machine needs more than the five seconds of playwright.
expect.set_options(timeout=30_000)


def chromium_path() -> str:
    """Where Debian puts it; playwright's own download is not to be had everywhere."""
    found = shutil.which("chromium")
    if found is None:
        raise FileNotFoundError("chromium is not installed (Debian package chromium)")
    return found
