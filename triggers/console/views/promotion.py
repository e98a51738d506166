"""One promotion: where it stands, what is unmet, the evidence, who decided, what happened, and the own decision."""

import asyncio
from collections.abc import Sequence
from typing import Any

from shared.application.inbox import InboxItem, WaitingKind
from shared.domain.promotion.approvals import WITNESS
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.views import configuration_of_owner
from triggers.console.page import PageRequest, View

# The steps of the orchestrator at which it waits for people.
OF_PEOPLE = ("waiting for approval", "waiting for the change", "waiting for the glass to be broken")


async def show(request: PageRequest) -> View:
    promotion = request.parameters
    shown, explained, decided, timeline, inbox = await asyncio.gather(
        request.api("show_promotion", promotion),
        request.api("explain_promotion", promotion),
        request.api("list_decisions", promotion),
        request.api("show_timeline", promotion),
        request.api("show_inbox"),
    )
    name = promotion["promotion"]
    asked = [item for item in inbox.items if item.subject == name]
    oid = request.session.person.oid
    own = [row for row in decided.decisions if row.oid == oid and not row.withdrawn and not row.used]
    data = {
        "promotion": shown,
        "request": shown.promotion,
        "unmet": explained.unmet,
        "decisions": decided.decisions,
        "unbelieved": decided.unbelieved,
        "events": list(reversed(timeline.events)),
        "asked": [_question(item) for item in asked if item.kind is WaitingKind.APPROVAL],
        "overrides": [_question(item) for item in asked if item.kind is WaitingKind.BREAK_GLASS],
        "own": own if not shown.fate else [],
        "left": [row for row in decided.delegations if row.oid == oid and row.stands] if not shown.fate else [],
        "delegations": decided.delegations,
        "evidence": _evidence(shown.evidence, [item.evidence for item in asked]),
        "stages": _stages(request, shown),
    }
    return View(
        template="promotion.html",
        title=f"{shown.promotion.model if shown.promotion else name}",
        data=data,
        moves=is_at_work(shown),
    )


def is_at_work(shown: Any) -> bool:
    """Whether it goes on by itself, and waits for nobody."""
    return bool(shown.step) and not shown.fate and shown.step not in OF_PEOPLE


def _evidence(packs: Sequence[Any], asked: Sequence[str]) -> Any:
    """What is shown: the evidence that the person is asked about, or else the newest; None where there is none yet."""
    about = [pack for pack in packs if pack.digest in asked]
    return next(reversed(about or packs), None)


def _question(item: InboxItem) -> dict[str, Any]:
    """What is asked of the person, and the digest in parts that can be compared by eye."""
    digest = item.evidence.removeprefix("sha256:")
    parts = {"begin": digest[:12], "middle": digest[12:-12], "end": digest[-12:]}
    return {"item": item, "digest": parts, "witness": item.role == WITNESS}


def _stages(request: PageRequest, shown: Any) -> list[dict[str, str]]:
    """The ladder as far as the promotion goes, each stage with how it stands."""
    doing = str(shown.doing.get("stage") or "") if isinstance(shown.doing, dict) else ""
    configuration, model = request.clients.configuration, shown.promotion.model.name if shown.promotion else ""
    own = configuration_of_owner(configuration, Belonging.MODEL, model)
    names = [stage.name for stage in own.ladder.stages]
    target = shown.promotion.target if shown.promotion else ""
    reached = [row.stage for row in shown.evidence]
    current = doing or (reached[-1] if reached else "")
    ladder = names[: names.index(target) + 1] if target in names else names
    rows = list[dict[str, str]]()
    for name in ladder:
        is_before = current in ladder and ladder.index(name) < ladder.index(current)
        standing = "done" if shown.fate == "promoted" or is_before else "here" if name == current else "ahead"
        rows.append({"name": name, "standing": "ended" if standing == "here" and shown.fate else standing})
    return rows
