"""Sealed secrets: not readable in the hub, not readable elsewhere, gone after their time and after use."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from shared.adapters.azure_storage.sealed_secrets import SealedSecrets
from shared.domain.failures import Refused
from tests.fakes.ports import MemoryHub

NOW = datetime(2026, 11, 25, tzinfo=UTC)
UNTIL = NOW + timedelta(hours=48)


def kept(hub: MemoryHub, key: str = "k" * 32) -> SealedSecrets:
    secrets = SealedSecrets(hub, "signalbox", key)
    secrets.keep("task", "the token", UNTIL)
    return secrets


def test_a_secret_is_recalled_until_its_time_is_over_or_it_is_dropped():
    hub = MemoryHub(lambda: NOW)
    secrets = kept(hub)

    assert secrets.recall("task", NOW) == "the token"
    assert secrets.recall("task", UNTIL) == ""
    secrets.drop("task")
    secrets.drop("task")
    assert secrets.recall("task", NOW) == ""


def test_it_lies_sealed_and_the_first_one_stands():
    hub = MemoryHub(lambda: NOW)
    secrets = kept(hub)
    secrets.keep("task", "another", UNTIL)

    assert secrets.recall("task", NOW) == "the token"
    assert b"the token" not in (hub.read("signalbox", "secrets/task.json") or b"")


@pytest.mark.parametrize("field", ["until", "sealed", "name", "key"])
def test_what_was_changed_or_moved_is_refused(field):
    hub = MemoryHub(lambda: NOW)
    secrets = kept(hub)
    content = json.loads(hub.read("signalbox", "secrets/task.json") or b"")
    name = "task"
    if field == "until":
        content["until"] = (UNTIL + timedelta(days=365)).isoformat()
    elif field == "sealed":
        content["sealed"] = content["sealed"][:-4] + "AAA="
    elif field == "name":
        name = "other"
    else:
        secrets = SealedSecrets(hub, "signalbox", "x" * 32)
    hub.land(f"signalbox/secrets/{name}.json", json.dumps(content).encode())

    with pytest.raises(Refused, match="cannot be read"):
        secrets.recall(name, NOW)


def test_without_a_key_nothing_is_kept():
    with pytest.raises(Refused, match="SIGNALBOX_SECRETS_KEY"):
        SealedSecrets(MemoryHub(lambda: NOW), "signalbox", "")
