"""Signing with real keys, made once for all tests of a process."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from shared.adapters.signing.key_files import open_key_file
from shared.adapters.signing.purpose_keys import PurposeKeys
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.domain.trust.keys import Purpose
from shared.ports import Signing
from signalbox.launcher.signing_keys import ensure_signing_keys, signing_settings


@cache
def signing(owner: str = "app") -> Signing:
    """The keys of *owner*: two owners do not trust each other's keys."""
    return _made(owner)[0]


def trusted_key_set(owner: str = "app") -> dict[str, Any]:
    """The JSON Web Key Set of the keys of *owner*."""
    return dict(json.loads(_made(owner)[1]))


@cache
def _made(owner: str) -> tuple[Signing, str]:
    del owner  # It is the key of the cache.
    with tempfile.TemporaryDirectory() as folder:
        keys = signing_in(Path(folder))
        return keys, Path(signing_settings(Path(folder))["SIGNALBOX_TRUSTED_KEYS"]).read_text()


def signing_in(state: Path) -> Signing:
    """The keys in the folder *state*, which are made where there are none."""
    ensure_signing_keys(state)
    settings = signing_settings(state)
    entries = dict(entry.split("=", 1) for entry in settings["SIGNALBOX_SIGNING_KEYS"].split(","))
    trusted = read_trusted_keys(Path(settings["SIGNALBOX_TRUSTED_KEYS"]))
    keys = {entry.partition("@")[2]: open_key_file(entry.partition("@")[2]) for entry in entries.values()}
    return PurposeKeys({Purpose(name): entry for name, entry in entries.items()}, keys.__getitem__, lambda: trusted)
