"""`signalbox keys` makes, rotates, retires and revokes keys; the app believes old statements, and no revoked key."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from shared.adapters.signing.key_files import open_key_file
from shared.adapters.signing.purpose_keys import PurposeKeys
from shared.adapters.signing.trusted_keys import read_trusted_keys
from shared.domain.trust.envelopes import STATEMENT_TYPE, Envelope
from shared.domain.trust.keys import Purpose
from signalbox.cli.main import main

NOW = datetime.now(UTC).replace(microsecond=0)
DAY = timedelta(days=1)


class Owner:
    """Who has a folder with a set of trusted keys and the files of the private ones."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.trusted = folder, folder / "trusted.json"

    def keys(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["keys", words[0], *words[1:], "--trusted", str(self.trusted)])

    def new(self, purpose: str = "door", *words: str, file: str = "door.pem") -> str:
        """The setting's entry of a new key."""
        result = self.keys("new", purpose, "--pem", str(self.folder / file), *words)
        assert result.exit_code == 0, result.output
        return result.output.strip().splitlines()[-1].rpartition(" ")[2]

    def signing(self, *entries: str) -> PurposeKeys:
        addresses = {Purpose(entry.partition("=")[0]): entry.partition("=")[2] for entry in entries}
        return PurposeKeys(addresses, open_key_file, lambda: read_trusted_keys(self.trusted))

    def objection(self, envelope: Envelope, at: datetime, purpose: Purpose = Purpose.DOOR) -> str:
        return self.signing().objection(purpose, envelope, at)


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


def sign(owner: Owner, entry: str) -> Envelope:
    return owner.signing(entry).sign(Purpose.DOOR, STATEMENT_TYPE, b"{}")


def test_a_new_key_signs_and_is_its_owners_alone(owner: Owner) -> None:
    entry = owner.new()

    assert entry == f"door=door-1@file:{owner.folder / 'door.pem'}"
    assert owner.objection(sign(owner, entry), NOW + DAY) == ""
    assert stat.S_IMODE((owner.folder / "door.pem").stat().st_mode) == 0o600
    assert "PRIVATE" not in owner.trusted.read_text()


def test_old_statements_are_believed_after_a_rotation(owner: Owner) -> None:
    first = owner.new("door", "--from", (NOW - DAY).isoformat())
    before = sign(owner, first)
    second = owner.new("door", "--overlap-hours", "2", file="door-2.pem")

    assert second.startswith("door=door-2@")
    assert owner.objection(before, NOW) == ""
    assert owner.objection(sign(owner, second), NOW + DAY) == ""
    # The two overlap, because the app's setting is changed after the set; then the old one may sign no longer.
    assert owner.objection(before, NOW + timedelta(hours=1)) == ""
    assert "trusted until" in owner.objection(before, NOW + timedelta(hours=3))


def test_a_rotation_leaves_other_purposes_alone(owner: Owner) -> None:
    log = owner.new("log", file="log.pem")
    owner.new()
    owner.new(file="door-2.pem")
    envelope = owner.signing(log).sign(Purpose.LOG, STATEMENT_TYPE, b"{}")

    assert owner.objection(envelope, NOW + 400 * DAY, Purpose.LOG) == ""
    assert "is for log, not for door" in owner.objection(envelope, NOW)


def test_a_retired_key_may_not_sign_and_its_statements_stay(owner: Owner) -> None:
    envelope = sign(owner, owner.new("door", "--from", (NOW - 2 * DAY).isoformat()))
    result = owner.keys("retire", "door-1", "--at", (NOW - DAY).isoformat())

    assert result.exit_code == 0, result.output
    assert "no key may sign for door" in result.output
    assert owner.objection(envelope, NOW - DAY - timedelta(hours=1)) == ""
    assert "trusted until" in owner.objection(envelope, NOW)
    again = owner.keys("retire", "door-1")
    assert (again.exit_code, "retired since" in again.output) == (2, True)


def test_nothing_that_a_revoked_key_signed_is_believed(owner: Owner) -> None:
    first = owner.new("door", "--from", (NOW - 30 * DAY).isoformat())
    envelope = sign(owner, first)
    second = owner.new(file="door-2.pem")
    result = owner.keys("revoke", "door-1", "--because", "a laptop was stolen on Friday")

    assert result.exit_code == 0, result.output
    for at in (NOW - 29 * DAY, NOW):
        assert owner.objection(envelope, at) == "key door-1 is revoked"
    assert owner.objection(sign(owner, second), NOW + timedelta(hours=1)) == ""
    revoked = json.loads(owner.trusted.read_text())["keys"][0]
    assert revoked["revoked_because"] == "a laptop was stolen on Friday"


def test_the_list_says_which_keys_may_sign(owner: Owner) -> None:
    owner.new()
    owner.new("measuring", file="measuring.pem")
    owner.keys("revoke", "door-1", "--because", "lost")
    rows = json.loads(owner.keys("list", "--json").output)

    assert [(row["id"], row["purpose"], row["signs"]) for row in rows] == [
        ("door-1", "door", "key door-1 is revoked"),
        ("measuring-1", "measuring", "yes"),
    ]
    assert "measuring-1" in owner.keys("list").output


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("new", "door"), "name the place of the key"),
        (("new", "door", "--pem", "x.pem", "--vault", "https://kv.vault.azure.net"), "name the place of the key"),
        (("new", "everything", "--pem", "x.pem"), "everything"),
        (("new", "door", "--vault", "https://evil.example"), "not on an allowed host"),
        (("new", "door", "--pem", "{folder}/second.pem", "--id", "door-1"), "another id"),
        (("new", "door", "--pem", "{folder}/door.pem"), "File exists"),
        (("retire", "door-9"), "no key 'door-9'; its keys are door-1"),
        (("revoke", "door-9", "--because", "lost"), "no key 'door-9'"),
        (("revoke", "door-1", "--because", " "), "for a reason"),
        (("retire", "door-1", "--at", "yesterday"), "Invalid isoformat"),
        (("retire", "door-1", "--at", "2026-01-01T00:00:00"), "no time zone"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(owner: Owner, words: tuple[str, ...], reason: str) -> None:
    owner.new()
    before, key = owner.trusted.read_text(), (owner.folder / "door.pem").read_text()
    result = owner.keys(*(word.format(folder=owner.folder) for word in words))

    assert result.exit_code == 2, result.output
    assert reason in result.output
    assert owner.trusted.read_text() == before
    assert (owner.folder / "door.pem").read_text() == key


def test_a_set_that_is_broken_is_not_changed(owner: Owner) -> None:
    owner.trusted.write_text('{"keys": [{"kid": "door-1"}]}')
    result = owner.keys("revoke", "door-1", "--because", "lost")

    assert (result.exit_code, "keys[0] is not a trusted key" in result.output) == (2, True)
