"""The archive of a promotion's proof: the same bytes each time, and every changed byte and every trick is found."""

import io
import json
import random
import zipfile
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.codec import encode
from shared.domain.trust.keys import Purpose
from tests.amounts import amount
from tests.promotion.conftest import PromotionApp
from tests.signing import signing, trusted_key_set
from tests.trust.attacks import FIRST_PROMOTION
from tests.trust.verifier import archives, canonical, run, signed, verdict


@dataclass
class Pack:
    """The archive of a whole promotion, its files, and the keys of its reader."""

    app: PromotionApp
    promotion: str
    content: bytes
    keys: dict[str, Any]

    @property
    def files(self) -> dict[str, bytes]:
        return archives.read_files(self.content)

    def reason(self, files: dict[str, bytes]) -> str:
        """Why an archive of *files*, written as it should be, is not proven."""
        return verdict(archives.zipped(files), self.keys)

    def resigned(self, files: dict[str, bytes], purpose: Purpose = Purpose.DECIDING) -> dict[str, bytes]:
        """*files* with a list of them that the holder of one key has signed."""
        says = json.loads(signed.decoded(json.loads(files[archives.MANIFEST])["payload"]))
        listed = [
            {"name": name, "sha256": archives.hashlib.sha256(content).hexdigest()}
            for name, content in sorted(files.items())
            if name != archives.MANIFEST
        ]
        says["predicate"]["files"] = listed
        envelope = encode(signing().sign(purpose, signed.STATEMENT, canonical(says)))
        return {**files, archives.MANIFEST: canonical(envelope)}


@pytest.fixture
async def pack(arrived: PromotionApp) -> Pack:
    keys = {key["kid"]: key for key in trusted_key_set()["keys"]}
    return Pack(app=arrived, promotion=FIRST_PROMOTION, content=await asked(arrived, FIRST_PROMOTION), keys=keys)


async def asked(app: PromotionApp, promotion: str) -> bytes:
    status, answer = await app.ask("GET", f"promotions/{promotion}/proof-pack")
    assert status == 200, answer
    return b64decode(answer["zip"])


async def test_a_machine_without_the_product_verifies_the_archive(pack: Pack, tmp_path: Path) -> None:
    (tmp_path / "proof.zip").write_bytes(pack.content)
    (tmp_path / "keys.json").write_text(json.dumps(trusted_key_set()))

    outcome = run(tmp_path / "proof.zip", "--keys", tmp_path / "keys.json")

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert "approved by data-scientist: ada (1)" in outcome.stdout
    assert {"README.txt", "keys.json", "pages/central-entry.html", "evidence/central-entry.json"} <= set(pack.files)
    assert json.loads(pack.files["keys.json"])["keys"] == sorted(trusted_key_set()["keys"], key=lambda key: key["kid"])


async def test_the_same_proof_is_always_the_same_bytes(pack: Pack) -> None:
    assert await asked(pack.app, pack.promotion) == pack.content


@pytest.mark.long
async def test_every_changed_byte_of_the_archive_is_found(pack: Pack) -> None:
    assert verdict(pack.content, pack.keys) == ""
    chance = random.Random(7)
    for _ in range(amount(100, 10_000)):
        at = chance.randrange(len(pack.content))
        changed = bytes([pack.content[at] ^ (1 << chance.randrange(8))])
        assert verdict(pack.content[:at] + changed + pack.content[at + 1 :], pack.keys), f"byte {at}"


@pytest.mark.long
async def test_every_changed_byte_of_every_file_is_found_and_the_file_is_named(pack: Pack) -> None:
    chance, files = random.Random(8), pack.files
    for name, content in files.items():
        places = range(len(content))
        for at in chance.sample(places, min(len(content), amount(1, 100))):
            changed = content[:at] + bytes([content[at] ^ (1 << chance.randrange(8))]) + content[at + 1 :]
            reason = pack.reason({**files, name: changed})
            assert reason, f"byte {at} of {name}"
            assert name == archives.MANIFEST or reason == f"{name} has other bytes"


async def test_a_file_that_is_missing_or_too_many_is_named(pack: Pack) -> None:
    files = pack.files
    for name in files:
        others = {other: content for other, content in files.items() if other != name}
        assert name in pack.reason(others), name
    assert pack.reason({**files, "pages/more.html": b""}) == "pages/more.html is not of the archive"


RESIGNED: dict[str, tuple[Callable[[dict[str, bytes]], object], str]] = {
    "evidence that nobody measured": (
        lambda files: files.update({"evidence/central-entry.json": b"{}"}),
        "evidence/central-entry.json is not what was signed as evidence",
    ),
    "a decision that is left out": (
        lambda files: files.pop(next(name for name in files if "/decisions/data-scientist" in name)),
        "nobody has approved as data-scientist",
    ),
    "an entry of the log that is left out": (
        lambda files: [files.pop(name) for name in list(files) if name.startswith("log/")],
        "is not in the audit log",
    ),
    "a statement under another name": (
        lambda files: files.update({"statements/promotions/x.dsse.json": files.pop(plan_of(files))}),
        "was signed for",
    ),
    "a proof of another promotion": (
        lambda files: files.update({"proof.json": files["proof.json"].replace(b"churn", b"other")}),
        "its proof is of another promotion",
    ),
}


def plan_of(files: dict[str, bytes]) -> str:
    return next(name for name in files if "/plans/" in name)


@pytest.mark.parametrize("forgery", RESIGNED)
async def test_who_can_sign_the_list_of_files_still_cannot_forge_what_they_say(pack: Pack, forgery: str) -> None:
    change, reason = RESIGNED[forgery]
    files = pack.files
    change(files)
    assert reason in pack.reason(pack.resigned(files))


async def test_a_list_that_another_key_has_signed_is_refused(pack: Pack) -> None:
    for purpose in (Purpose.DOOR, Purpose.MEASURING, Purpose.LOG):
        assert f"signed with a key for {purpose.value}" in pack.reason(pack.resigned(pack.files, purpose))


def written(names: list[str], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name in names:
            archive.writestr(name, b"x" * 100)
    return buffer.getvalue()


ELSEWHERE = (
    "../up",
    "a/../up",
    "/root",
    "a//b",
    "C:/x",
    "a\\b",
    "a/./b",
    ".hidden",
    "a/..",
    "a/",
    "new\nline",
    "\u00e9",
)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert verdict(written([name]), {}).startswith("the archive has a file of the name")


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_that_is_too_large_twice_named_or_compressed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert verdict(written(["a", "a"]), {}) == "the archive has one name twice"
    assert verdict(written(["a"], zipfile.ZIP_DEFLATED), {}) == "a is compressed"
    assert "is not written as Signalbox writes it" in verdict(written(["a"]), {})
    monkeypatch.setattr(archives, "MOST", 1)
    assert verdict(written(["a", "b"]), {}) == "the archive has more than 1 files"
    monkeypatch.setattr(archives, "MOST", 9)
    monkeypatch.setattr(archives, "LIMIT", 150)
    assert verdict(written(["a", "b"]), {}) == "its files have more than 150 bytes"
    assert verdict(b"PK and nothing else", {}).startswith("the archive cannot be read")
