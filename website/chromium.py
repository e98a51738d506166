"""Which Chromium of this machine is driven. It stands alone, since tests and the pictures of the documents need it."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The path of the first of NAMES that is installed; None where there is none."""
    return next((path for path in map(shutil.which, NAMES) if path), None)
