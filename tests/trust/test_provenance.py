"""The provenance travels with the bundle: the place it came to shows it alone, and nothing is deployed without it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.domain import identity
from shared.domain.failures import Refused
from shared.domain.promotion.models import PROMOTION, PROVENANCE
from shared.domain.trust.keys import Purpose
from shared.domain.trust.statements import PredicateKind
from shared.ports import RegisteredModel
from tests.amounts import amount
from tests.promotion.conftest import PromotionApp
from tests.signing import signing, trusted_key_set
from tests.trust.attacks import logged_reason
from tests.trust.verifier import canonical, run, signed, verdict

PROMOTION_OF_1 = identity.promotion_id("churn", "1", "central", 1)
KEYS = {key["kid"]: key for key in trusted_key_set()["keys"]}


def provenance_of(app: PromotionApp, entry: str) -> bytes:
    """What the place itself says of *entry*, `PLACE/models/NAME:VERSION`: its tags name the file."""
    model: RegisteredModel = app.cloud.state["assets"][entry]
    place, folder = entry.partition("/")[0], model.tags[PROVENANCE]
    start = "" if folder.startswith(f"{place}:") else f"{place}:"
    content = app.cloud.state["files"][f"{start}{folder}/{model.tags[PROMOTION]}.dsse.json"]
    return bytes(content)


def laid_out(app: PromotionApp, entry: str, folder: Path) -> Path:
    """The files of *entry* as a person would fetch them: model/ and extras/."""
    place = entry.partition("/")[0]
    for part, asset in (("model", "churn:1"), ("extras", "churn-extras:1")):
        model = app.cloud.state["assets"][entry]
        start = f"{place}:{asset}/" if place == "central" else f"{place}:{model.folder.removesuffix('model')}{part}/"
        start = start.replace(f"{place}:{place}:", f"{place}:")
        for path, data in app.cloud.state["files"].items():
            if path.startswith(start):
                target = folder / part / path.removeprefix(start)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(data)
    return folder


@pytest.mark.parametrize("entry", ["preprod/models/churn:1", "central/models/churn:1"])
async def test_a_place_alone_shows_where_its_version_comes_from(app: PromotionApp, tmp_path: Path, entry: str) -> None:
    lineage = {"signalbox.data_version": "7", "azureml.git.commit": "abc123", "signalbox.training": "run-1"}
    app.register("1", error=1.0, **lineage)
    assert (await app.whole("churn:1")).fate is c.Fate.PROMOTED
    folder = laid_out(app, entry, tmp_path / "bundle")
    (tmp_path / "provenance.json").write_bytes(provenance_of(app, entry))
    (tmp_path / "keys.json").write_text(json.dumps(trusted_key_set()))

    outcome = run(tmp_path / "provenance.json", "--keys", tmp_path / "keys.json", "--bundle", folder)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    for text in ("data: 7", "commit: abc123", "training run: run-1", "data_tests_passed: pass", "the folder has the 4"):
        assert text in outcome.stdout
    assert ("approved by data-scientist: ada (1)" in outcome.stdout) == entry.startswith("central")


async def test_every_byte_of_a_provenance_counts(arrived: PromotionApp) -> None:
    content = provenance_of(arrived, "central/models/churn:1")
    assert verdict(content, KEYS) == ""
    for at in range(0, len(content), amount(7, 1)):
        changed = bytes([content[at] ^ (1 << at % 8)])
        assert verdict(content[:at] + changed + content[at + 1 :], KEYS), f"byte {at} was {content[at : at + 1]!r}"


def _resigned(content: bytes, owner: str, change: Callable[[dict[str, Any]], Any]) -> bytes:
    statement = json.loads(signed.decoded(json.loads(content)["payload"]))
    change(statement)
    envelope = signing(owner).sign(Purpose.DECIDING, signed.STATEMENT, canonical(statement))
    signature = envelope.signatures[0]
    return canonical(
        {
            "payloadType": envelope.payloadType,
            "payload": envelope.payload,
            "signatures": [{"keyid": signature.keyid, "sig": signature.sig}],
        }
    )


ATTACKS: dict[str, tuple[Callable[[bytes], bytes | None], str]] = {
    "taken away": (lambda content: None, "no provenance lies beside it"),
    "no statement": (lambda content: b"{}", "is not a signed statement"),
    "of another key": (lambda content: _resigned(content, "attacker", lambda says: None), "did not sign it"),
    "of another promotion": (
        lambda content: _resigned(content, "app", lambda says: says["predicate"].update(path="promotions/x")),
        "it was signed for promotions/x",
    ),
    "of another bundle": (
        lambda content: _resigned(content, "app", lambda says: says["predicate"].update(bundle="sha256:" + "0" * 64)),
        "its provenance is of",
    ),
    "of other files": (
        lambda content: _resigned(content, "app", lambda says: says["predicate"]["files"].pop()),
        "lists other files",
    ),
    "about other digests": (
        lambda content: _resigned(content, "app", lambda says: says["subject"].pop()),
        "about other digests",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
async def test_nothing_is_deployed_without_its_provenance(app: PromotionApp, attack: str) -> None:
    """Somebody who may write the environment's storage changes it between registration and deployment."""
    change, reason = ATTACKS[attack]
    files = app.cloud.state["files"]

    def after(effect: str) -> None:
        if effect == "register preprod/models/churn:1":
            (path,) = (path for path in files if path.startswith("preprod") and path.endswith(".dsse.json"))
            content = change(files.pop(path))
            if content is not None:
                files[path] = content

    app.cloud.after = after
    app.register("1", error=1.0)

    result = await app.finish(await app.promote("churn:1"))

    assert result.fate is not c.Fate.PROMOTED
    assert reason in " ".join(result.because)
    assert logged_reason(app, PROMOTION_OF_1, reason)
    assert not app.cloud.state["deployments"]


async def test_bytes_that_changed_after_their_registration_are_not_deployed(app: PromotionApp) -> None:
    files = app.cloud.state["files"]

    def after(effect: str) -> None:
        if effect == "register preprod/models/churn:1":
            (path,) = (path for path in files if path.startswith("preprod") and path.endswith("model.bin"))
            files[path] = b"other weights"

    app.cloud.after = after
    app.register("1", error=1.0)

    result = await app.finish(await app.promote("churn:1"))

    assert "model/model.bin differs" in " ".join(result.because)
    assert logged_reason(app, PROMOTION_OF_1, "model/model.bin differs")
    assert not app.cloud.state["deployments"]


async def test_a_version_that_was_registered_with_another_folder_is_not_deployed(app: PromotionApp) -> None:
    assets = app.cloud.state["assets"]

    def after(effect: str) -> None:
        if effect == "register preprod/models/churn:1":
            model = assets["preprod/models/churn:1"]
            assets["preprod/models/churn:1"] = RegisteredModel(model=model.model, folder="elsewhere", tags=model.tags)

    app.cloud.after = after
    app.register("1", error=1.0)

    result = await app.finish(await app.promote("churn:1"))

    assert "is registered with elsewhere" in " ".join(result.because)
    assert logged_reason(app, PROMOTION_OF_1, "is registered with elsewhere")
    assert not app.cloud.state["deployments"]


async def test_what_is_put_back_takes_its_provenance_with_it(app: PromotionApp) -> None:
    def before(effect: str) -> None:
        if effect.startswith("deploy preprod"):
            raise Refused("no quota")

    app.cloud.before = before
    app.register("1", error=1.0)

    result = await app.finish(await app.promote("churn:1"))

    assert result.fate is not c.Fate.PROMOTED
    assert not [path for path in app.cloud.state["files"] if path.endswith(".dsse.json")]


def test_the_deciding_key_signs_it() -> None:
    assert PredicateKind.PROVENANCE.purpose is Purpose.DECIDING


@pytest.mark.parametrize("place", ["preprod", "central"])
async def test_a_promotion_is_not_done_while_its_provenance_is_gone(app: PromotionApp, place: str) -> None:
    """Everything else is there when Azure is asked for it at the end."""
    app.register("1", error=1.0)

    def approved(effect: str) -> None:
        if effect.startswith("tag central"):
            for path in [p for p in app.cloud.state["files"] if p.startswith(place) and p.endswith(".dsse.json")]:
                del app.cloud.state["files"][path]

    app.cloud.before = approved

    result = await app.whole("churn:1")

    assert result.fate is not c.Fate.PROMOTED
    assert f"churn:1 in {place}: no provenance lies beside it" in "; ".join(result.because)
    assert logged_reason(app, PROMOTION_OF_1, "no provenance lies beside it")
