"""Folders and files for their owner alone: local state holds keys, tokens, and everybody's data."""

import os
from pathlib import Path


def private_folder(path: Path) -> Path:
    """*path*, made where it is missing; nobody but its owner may enter it from now on."""
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.chmod(0o700)
    return path


def write_private(path: Path, content: str | bytes) -> None:
    """Write *content* to *path*, which was never and is never readable by others."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "wb") as file:
        os.fchmod(file.fileno(), 0o600)  # Before anything is written, where the file was there.
        file.truncate()
        file.write(content if isinstance(content, bytes) else content.encode())
