"""Azurite, which npm installs: that of the checkout, or a copy in the user's cache, made at its first use.

The copy is exactly what the lock says, and its folder's name carries the lock's digest: another lock is another copy.
"""

import contextlib
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from signalbox.product import azurite_lock

_SCRIPT = Path("node_modules") / "azurite" / "dist" / "src" / "blob" / "main.js"
_FILES = ("package.json", "package-lock.json", ".npmrc")
_PATIENCE_S = 600
_SIGN_OF_LIFE_S = 15.0  # A person who sees nothing for longer takes the start for stuck.


class AzuriteMissing(RuntimeError):
    """Azurite is not here and cannot be installed; the message says what helps."""


def find_azurite(tell: Callable[[str, str], None]) -> Path:
    """The script that starts Azurite's blob service. Installs it where it is missing. Raises AzuriteMissing."""
    if shutil.which("node") is None:
        raise AzuriteMissing("node is not on the PATH; install Node.js 20 or newer")
    lock = azurite_lock()
    if (lock / _SCRIPT).is_file():
        return lock / _SCRIPT
    folder = _cache() / f"azurite-{hashlib.sha256((lock / _FILES[1]).read_bytes()).hexdigest()[:16]}"
    if not (folder / _SCRIPT).is_file():
        tell("azurite", f"installing it in {folder}, once; this takes a minute")
        _install(lock, folder, tell)
    return folder / _SCRIPT


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "signalbox"


def _install(lock: Path, folder: Path, tell: Callable[[str, str], None]) -> None:
    """Make *folder* whole or not at all: another start may do the same at this moment."""
    if shutil.which("npm") is None:
        raise AzuriteMissing(
            "Azurite is not installed and npm is not on the PATH; install Node.js 20 or newer with npm"
        )
    unfinished = folder.with_name(f"{folder.name}.{os.getpid()}")
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            shutil.copyfile(lock / name, unfinished / name)
        _run_npm(unfinished, tell)
        with contextlib.suppress(OSError):  # Another start was faster: its copy is the same.
            unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _run_npm(folder: Path, tell: Callable[[str, str], None]) -> None:
    command = ["npm", "ci", "--omit=dev", "--no-progress"]
    begun = time.monotonic()
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL
    ) as process:
        while True:
            try:
                _, errors = process.communicate(timeout=_SIGN_OF_LIFE_S)
                break
            except subprocess.TimeoutExpired as error:
                waited_s = time.monotonic() - begun
                if waited_s > _PATIENCE_S:
                    process.kill()
                    message = f"npm has not installed Azurite within {_PATIENCE_S} s; start again"
                    raise AzuriteMissing(message) from error
                tell("azurite", f"npm is at work for {waited_s:.0f} s; it may take {_PATIENCE_S} s")
    if process.returncode:
        lines = [line for line in errors.splitlines() if line.strip()] or ["it says nothing"]
        raise AzuriteMissing(
            f"npm cannot install Azurite ({lines[0].strip()}); see that `npm ping` reaches a registry, and start again"
        )
