"""The file of the trusted keys as people change it: read whole, written whole, and never in a form the app refuses.

It stands alone because the app itself only reads the set, and no other module writes it.
"""

import json
from pathlib import Path
from typing import Any

from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.domain.trust.rotation import Entries


def read_entries(path: Path, *, missing_is_empty: bool = False) -> list[dict[str, Any]]:
    """The entries of the set, each of which is a trusted key. Raises Refused."""
    if missing_is_empty and not path.exists():
        return []
    read_trusted_keys(path)
    return list(json.loads(path.read_text())["keys"])


def write_entries(path: Path, entries: Entries) -> None:
    """Write the set whole or not at all, once it has been read as the app will read it. Raises Refused."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps({"keys": entries}, indent=2) + "\n")
    try:
        read_trusted_keys(fresh)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)
