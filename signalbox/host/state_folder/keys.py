"""The host's keys, kept in `keys.json` in the state folder. An existing file is respected; missing keys are made."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from signalbox.host.errors import HostError
from signalbox.private_files import write_private


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """`master` opens everything, `default` opens functions, the others open one extension's webhook each."""

    master: str
    default: str
    eventgrid_extension: str
    blobs_extension: str
    durabletask_extension: str


def load_keys(state: Path) -> Keys:
    """Read or make `state/keys.json` (mode 600). Raises HostError when it is not a JSON object of strings."""
    path = state / "keys.json"
    record = _read(path)
    keys = Keys(**{field.name: record.get(field.name) or secrets.token_urlsafe(32) for field in fields(Keys)})
    if any(record.get(name) != value for name, value in asdict(keys).items()):
        write_private(path, json.dumps({**record, **asdict(keys)}, indent=2) + "\n")
    return keys


def _read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        record = json.loads(path.read_text())
    except ValueError as error:
        raise HostError(f"{path} is not JSON ({error}): repair it or delete it to get new keys") from None
    if not isinstance(record, dict) or not all(isinstance(value, str) for value in record.values()):
        raise HostError(f"{path} must be a JSON object of strings: repair it or delete it to get new keys")
    return record


def opens(candidate: str, *keys: str) -> bool:
    """Whether *candidate* is one of *keys*, compared in constant time."""
    # A list, because `any` over a generator ends at the first match, and the time would say which key it was.
    matches = [hmac.compare_digest(candidate.encode(), key.encode()) for key in keys]
    return any(matches)


def presented_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key a request carries in `x-functions-key` or `?code=`, or an empty string."""
    return headers.get("x-functions-key") or query.get("code", "")
