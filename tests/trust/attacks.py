"""What an attacker does who may write every blob of the state container, and how one sees that it was noticed."""

import json
from typing import Any

from shared.domain import identity
from shared.domain.promotion.approvals import Approval
from shared.records.promotion import FATES
from tests.promotion.conftest import PromotionApp

STATE_CONTAINER = "signalbox"
FIRST_PROMOTION = identity.promotion_id("churn", "1", "central")


def forged(app: PromotionApp) -> list[str]:
    """The paths that were refused as forged; each is announced as often as it is logged."""
    entries = [entry for entry in app.clients.audit.entries() if entry.kind == "forged record refused"]
    announced = app.clients.announcer.kinds.count("Signalbox.Record.Forged")  # type: ignore[attr-defined]
    assert announced == len(entries)
    return [entry.facts["path"] for entry in entries]


def logged_reason(app: PromotionApp, promotion: str, reason: str) -> bool:
    """Whether the audit log has *reason* in how *promotion* has ended, which is announced too."""
    ends = [entry for entry in app.clients.audit.entries() if "because" in entry.facts and entry.kind in FATES]
    reasons = [" ".join(entry.facts["because"]) for entry in ends if entry.facts["promotion"] == promotion]
    kinds = app.clients.announcer.kinds  # type: ignore[attr-defined]
    announced = all(f"Signalbox.Promotion.{entry.kind.capitalize()}" in kinds for entry in ends)
    return announced and any(reason in text for text in reasons)


def plant(app: PromotionApp, path: str, content: Any) -> None:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    app.hub.land(f"{STATE_CONTAINER}/{path}", raw)


def blobs(app: PromotionApp, part: str) -> list[str]:
    return [blob.path for blob in app.hub.list(STATE_CONTAINER, "") if part in blob.path]


def approval(app: PromotionApp, who: str, role: str, evidence: str) -> Approval:
    oid = {"ada": "1", "grace": "2"}[who]
    at = app.clients.clock.now()
    return Approval(role=role, oid=oid, name=who, approved=True, reason="seen", evidence=evidence, at=at)


async def asking(app: PromotionApp) -> tuple[str, str]:
    """A promotion that waits for both roles, and the digest of what they are shown."""
    app.register("1", error=1.0)
    await app.promote("churn:1")
    return await asked(app)


async def asked(app: PromotionApp) -> tuple[str, str]:
    """The same, of an app in which it waits already, such as the fixture `waiting`."""
    return FIRST_PROMOTION, await app.evidence(FIRST_PROMOTION)


def remove(app: PromotionApp, *paths: str) -> None:
    for path in paths:
        assert app.hub.delete(STATE_CONTAINER, path), path


def stored(app: PromotionApp, path: str) -> Any:
    return json.loads(app.hub.read(STATE_CONTAINER, path) or b"")
