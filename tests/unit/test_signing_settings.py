"""The settings of the signing keys are checked whole, at the start, with a sentence for each problem."""

from pathlib import Path

import pytest

from shared.domain.trust.keys import Purpose
from shared.settings import SettingsError, read_settings

VERSION = "0123456789abcdef" * 2
DOOR = f"door=door-1@https://kv.vault.azure.net/keys/signalbox-door/{VERSION}"
WHOLE = {
    "DATA_HUB__blobServiceUri": "https://hub",
    "EVENT_GRID_TOPIC__topicEndpointUri": "https://topic",
}


@pytest.fixture
def trusted(tmp_path: Path) -> str:
    (tmp_path / "trusted.json").write_text('{"keys": []}')
    return str(tmp_path / "trusted.json")


def test_keys_are_read_by_purpose(trusted: str) -> None:
    entries = f"{DOOR}, log=log-2@file:/keys/log.pem"
    settings = read_settings(
        {**WHOLE, "SIGNALBOX_SIGNING_KEYS": entries, "SIGNALBOX_TRUSTED_KEYS": trusted, "AZURE_KEY_VAULT_HOSTS": "a, b"}
    )

    assert dict(settings.signing_keys) == {
        Purpose.DOOR: DOOR.removeprefix("door="),
        Purpose.LOG: "log-2@file:/keys/log.pem",
    }
    assert (settings.trusted_keys, settings.key_vault_hosts) == (Path(trusted), ("a", "b"))
    assert read_settings(WHOLE).key_vault_hosts == ("*.vault.azure.net",)


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ("door", "write PURPOSE=KEYID@"),
        ("everything=k@file:k.pem", "door, measuring, deciding, log"),
        ("door=k@/keys/door.pem", "file:PATH"),
        ("door=k@http://kv.vault.azure.net/keys/door/" + VERSION, "write PURPOSE=KEYID@"),
        ("door=k@https://kv.vault.azure.net/keys/door", "name the version"),
        ("door=k@https://kv.vault.azure.net/keys/door/latest", "name the version"),
        ("door=k@https://a@kv.vault.azure.net/keys/door/" + VERSION, "name the version"),
        (f"{DOOR},door=door-2@file:k.pem", "two keys for one purpose"),
        (f"{DOOR},log=log-1@{DOOR.partition('@')[2]}", "each purpose has a key of its own"),
        (f"{DOOR},log=door-1@file:k.pem", "each purpose has a key of its own"),
    ],
)
def test_a_wrong_entry_is_named_with_its_remedy(trusted: str, entries: str, problem: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_settings({**WHOLE, "SIGNALBOX_SIGNING_KEYS": entries, "SIGNALBOX_TRUSTED_KEYS": trusted})
    (line,) = str(refusal.value).splitlines()
    assert (line.startswith("SIGNALBOX_SIGNING_KEYS "), problem in line) == (True, True), line


def test_keys_that_nobody_trusts_are_a_problem_of_their_own() -> None:
    with pytest.raises(SettingsError, match="SIGNALBOX_TRUSTED_KEYS is not set"):
        read_settings({**WHOLE, "SIGNALBOX_SIGNING_KEYS": DOOR})
    with pytest.raises(SettingsError, match="is not a file"):
        read_settings({**WHOLE, "SIGNALBOX_SIGNING_KEYS": DOOR, "SIGNALBOX_TRUSTED_KEYS": "nowhere.json"})


LEDGER = "https://heads.confidential-ledger.azure.com"


@pytest.mark.parametrize(
    "place", ["https://a.blob.core.windows.net/heads", "file:/var/heads", f"ledger:{LEDGER}/heads"]
)
def test_heads_are_published_to_a_container_a_folder_or_a_ledger(place: str) -> None:
    assert read_settings({**WHOLE, "SIGNALBOX_TREE_HEADS": f"{place}/"}).tree_heads == place


@pytest.mark.parametrize(
    "place", [LEDGER, f"{LEDGER}/heads", f"ledger:{LEDGER}", "ledger:http://l/heads", "ledger:https://a@l/h"]
)
def test_a_ledger_is_named_as_one_and_with_its_collections(place: str) -> None:
    with pytest.raises(SettingsError, match="ledger:https://NAME"):
        read_settings({**WHOLE, "SIGNALBOX_TREE_HEADS": place})
