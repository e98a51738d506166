"""Count a published part into its model's drift window, as the rows of a batch run are.

The looks at the window are those of `activities.drift`: its sweep starts them. A part that cannot be counted leaves the
reason where `signalbox drift` shows it; it stays published.
"""

from activities.answers.answers_part import AnswersPart
from activities.answers.part_files import INPUTS, OUTPUTS
from activities.drift.windows import add_counts, kept_reference
from activities.effects import once, stamp
from shared import contracts as c
from shared.clients import Clients
from shared.domain.drift.watch import OutputField
from shared.domain.failures import Refused
from shared.ports import HubFile
from shared.records.drift import FailedCheck, note_problem
from shared.records.production.answers import count_key


def count_part(clients: Clients, part: AnswersPart) -> None:
    """Add the rows of *part* to the window once, where its model is watched.

    Not where teams use hubs of their own: what is asked there is theirs, and drift starts a training, which may ship.
    """
    watch = clients.configuration.watch(part.model.name)
    if watch is None or not watch.counts_answers_of(part.model.name):
        return
    if clients.configuration.is_of_hubs(part.rule.workspace):
        return
    output = OutputField(name=watch.output.name) if watch.output else None  # The last field of the published lines.
    try:
        once(clients, count_key(part.id), c.Done, lambda: _count(clients, part, output))
    except Refused as refusal:
        problem = FailedCheck(at=stamp(clients), because=f"answers {part.id}: {refusal}")
        note_problem(clients.store, part.model.name, part.model.version, problem)


def _count(clients: Clients, part: AnswersPart, output: OutputField | None) -> c.Done:
    contract = part.rule.contract_of(part.model.version)
    reference = kept_reference(clients, part.rule.workspace, part.model, contract)
    inputs, outputs = _files(clients, part, INPUTS), _files(clients, part, OUTPUTS)
    if inputs:
        counts = clients.drift_files.count(contract, reference, inputs, outputs, output, as_lines=True)
        add_counts(clients, part.model, part.id, reference, counts)
    return c.Done(at=stamp(clients))


def _files(clients: Clients, part: AnswersPart, name: str) -> list[HubFile]:
    container, _, folder = part.folder.partition("/")
    blob = clients.hub.find(container, f"{folder}/{name}")
    return [] if blob is None else [HubFile(name=f"{part.folder}/{name}", blob=blob)]
