"""Judge the outputs of a part of answers by their contract before it is published, and hold a part that breaks it.

A held part is judged again every hour, by the contract and the rules of that time, and a released one is published at
the next sweep.
"""

from datetime import timedelta
from typing import Any

from activities.answers.answers_part import AnswersPart
from activities.answers.part_files import OUTPUTS, PartFile
from activities.effects import stamp
from activities.inference.files import RUN_MARK
from shared.clients import Clients
from shared.domain.failures import Refused
from shared.ports import Blob, HubFile
from shared.records.inference import GivenOrder
from shared.records.production.answers import HeldPart, held_path, release_path

_AGAIN_AFTER = timedelta(hours=1)
_SENTENCES = 20


class PartHeld(Refused):
    """The outputs of the part break their contract; the message says how, and how they are released."""


def refuse_held_part(clients: Clients, part: AnswersPart) -> None:
    """Raises PartHeld where *part* was held within the hour and nobody has released it."""
    stored_hold = clients.store.get_stored(HeldPart, held_path(part.id))
    if stored_hold is None or clients.store.exists(release_path(part.id)):
        return
    if stored_hold.blob.age(clients.clock.now()) < _AGAIN_AFTER:
        raise _held(stored_hold.record)


def judge_outputs(clients: Clients, part: AnswersPart, outputs: PartFile) -> dict[str, Any]:
    """What judged the *outputs*, for the manifest; nothing where they have no contract.

    Raises PartHeld where they break it and nobody has released them.
    """
    contract = part.rule.output_contract
    if not contract or not outputs.lines:
        return {}
    blob = _staged(clients, part, outputs)
    report = clients.data_checks.check(contract, [HubFile(name=outputs.name, blob=blob)])
    check = {"contract": contract, "outcome": report["outcome"], "sources": report.get("sources", {})}
    if report["outcome"] == "passed":
        return {"output_check": check}
    release = clients.store.get(GivenOrder, release_path(part.id))
    if release is not None:
        return {"output_check": check | {"outcome": "released", "released_by": release.by, "reason": release.reason}}
    raise _held(_hold(clients, part, blob, report))


def forget_hold(clients: Clients, part: AnswersPart) -> None:
    """Remove what was kept of *part* while it was judged or held: it is published. Safe to repeat."""
    if part.rule.output_contract:
        clients.hub.delete(clients.configuration.hub.staging, _staged_path(part))
        clients.store.delete(held_path(part.id))


def _staged(clients: Clients, part: AnswersPart, outputs: PartFile) -> Blob:
    """The outputs in staging, where a reader can read them by ranges and people can look at them."""
    container, path = clients.configuration.hub.staging, _staged_path(part)
    outputs.file.seek(0)
    clients.hub.create(container, path, outputs.file, {RUN_MARK: part.id, "sha256": outputs.sha256})
    blob = clients.hub.find(container, path)
    if blob is None or blob.metadata.get("sha256") != outputs.sha256:
        raise Refused(f"{container}/{path} is there, and is not of part {part.id}; remove it")
    return blob


def _staged_path(part: AnswersPart) -> str:
    return f"answers/{part.id}/{OUTPUTS}"


def _hold(clients: Clients, part: AnswersPart, blob: Blob, report: dict[str, Any]) -> HeldPart:
    """Record why *part* is held, and announce it once."""
    hold = HeldPart(
        part=part.id,
        answers=part.rule.name,
        environment=part.rule.workspace.name,
        contract=part.rule.output_contract,
        at=stamp(clients),
        rows=int(report["rows"]),
        outputs=f"{blob.container}/{blob.path}",
        because=tuple(report["summary"][:_SENTENCES]),
        findings=tuple(report.get("findings", ())),
        sources=dict(report.get("sources", {})),
    )
    clients.store.save(held_path(part.id), hold, clients.store.get_stored(HeldPart, held_path(part.id)))
    data = {"answers": hold.answers, "part": hold.part, "because": list(hold.because), "outputs": hold.outputs}
    clients.announcer.announce(f"{part.id}-held", "Signalbox.Answers.Held", f"answers/{part.rule.name}", data)
    return hold


def _held(hold: HeldPart) -> PartHeld:
    reasons = "; ".join(hold.because[:3])
    remedy = f"mend the contract, or `signalbox answers release {hold.part} --reason WHY`"
    return PartHeld(f"part {hold.part} is held, since its outputs break {hold.contract}: {reasons}; {remedy}")
