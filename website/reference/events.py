"""The events that Signalbox announces, found in its source, and the events that it takes in."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from shared.contracts.datasets import PublicationOutcome
from shared.contracts.promotion import Fate
from shared.contracts.retraining import RetrainingOutcome
from shared.domain.inference.runs import RunOutcome
from shared.domain.provisioning.states import OrderState
from website.reference.markdown import code, table
from website.reference.source_calls import texts_of

_INTRODUCTION = """\
# Every event

Signalbox announces what it has done as CloudEvents 1.0 on an Event Grid topic, each under an id that its cause
determines: the same event is the same id. It takes in events of Azure. The names of the announced events are found in
the source.
"""
_SOURCES = ("activities", "shared")
_NAME = re.compile(r"Signalbox\.[A-Z]\w+\.(?:[A-Z]\w+|\.\.\.)")
# What stands for the last word of a family of events.
_FAMILIES: dict[str, type[StrEnum]] = {
    "Signalbox.Dataset": PublicationOutcome,
    "Signalbox.Inference": RunOutcome,
    "Signalbox.Promotion": Fate,
    "Signalbox.Provisioning": OrderState,
    "Signalbox.Retraining": RetrainingOutcome,
}
_VERDICTS = ("Passed", "Failed", "Refused")  # Of a data check that a message asked for; no enumeration has them.
_MEANINGS = {
    "Signalbox.Answers.Held": "answers of an endpoint break their output contract and wait to be released",
    "Signalbox.Answers.Published": "lines of an endpoint's data collector were published, each with its request",
    "Signalbox.AuditLog.Broken": "the audit log is not whole any more",
    "Signalbox.Dataset.Published": "a version of a data set was published, and never changes",
    "Signalbox.Deployment.Retired": "a version was kept warm long enough and was removed",
    "Signalbox.Drift.Detected": "the data of a model has drifted",
    "Signalbox.Inference.Quarantined": "the data of a run did not pass, and wait for their owner",
    "Signalbox.Key.Revoked": "a signing key was revoked",
    "Signalbox.Promotion.ApprovalEscalated": "an approval is late, and others are told",
    "Signalbox.Promotion.ApprovalRequested": "people are asked to decide",
    "Signalbox.Promotion.Delegated": "a person has left their decision to another, who is named in `tell`",
    "Signalbox.Promotion.GlassBroken": "two people overrode a gate, and the receipt says so",
    "Signalbox.Promotion.Superseded": "another promotion replaced this one",
    "Signalbox.Provisioning.Drifted": "somebody has changed by hand what was provisioned and verified",
    "Signalbox.Provisioning.TeardownFailed": "what was provisioned could not be removed",
    "Signalbox.Provisioning.TornDown": "what was provisioned was removed, as two people wanted",
    "Signalbox.Record.Forged": "a record was found that its key has not signed",
    "Signalbox.Registry.Altered": "an entry of the central registry is not what was written",
    "Signalbox.Registry.Revoked": "an entry of the central registry was revoked for good",
    "Signalbox.Rollback.Done": "a version that is known to be good serves again",
    "Signalbox.Rollback.Failed": "a rollback did not succeed",
    "Signalbox.Rollback.Rehearsed": "a rollback was rehearsed in pre-production",
    "Signalbox.Rollout.Undecided": "nothing has settled a step of a rollout in its time; `because` says why",
    "Signalbox.Traffic.ChangedByHand": "somebody changed the traffic of an endpoint outside Signalbox",
}
_TAKEN_IN = (
    ("Microsoft.Storage.BlobCreated, BlobRenamed", "a committed write to the Data Hub", "a run, or training data"),
    ("Microsoft.MachineLearningServices.ModelRegistered", "a registered version", "a promotion, where it has a flag"),
    ("Microsoft.Resources.ResourceWriteSuccess", "an entry of a registry", "a promotion from the registry"),
    ("Microsoft.MachineLearningServices.DatasetDriftDetected", "drift, of a monitor of v1", "a cause of retraining"),
    ("Microsoft.MachineLearningServices.RunCompleted", "a model monitor's run", "a cause of retraining"),
    ("the common alert schema", "an alert of Azure Monitor", "a rollback, or a cause of retraining"),
    ("service hooks of Azure DevOps", "an approval or a pipeline's run has changed", "another look"),
)


def page(project: Path) -> str:
    """The page. Raises LookupError for an event of the source that the page cannot explain."""
    rows = [(code(name), meaning) for name, meaning in sorted(announced(project).items())]
    taken = [(code(kind) if kind.startswith("Microsoft") else kind, *rest) for kind, *rest in _TAKEN_IN]
    return "\n".join(
        [
            _INTRODUCTION,
            "## Announced\n",
            "Data checks that a message asked for are answered on Service Bus: [results](../service-bus.md#results).\n",
            table(("event", "means"), rows),
            "## Taken in\n",
            table(("event", "what it is about", "what it starts"), taken),
        ]
    )


def announced(project: Path) -> dict[str, str]:
    """What each event of the source means, by its name."""
    return dict(_explained(project))


def _explained(project: Path) -> Iterator[tuple[str, str]]:
    names = {name for text in texts_of(project, _SOURCES) for name in _NAME.findall(text)}
    for name in sorted(names):
        family, _, last = name.rpartition(".") if not name.endswith("...") else (name[:-4], "", "...")
        if last != "...":
            yield name, _meaning(name)
        elif family == "Signalbox.DataCheck":
            yield from ((f"{family}.{verdict}", f"a data check ended: {verdict.lower()}") for verdict in _VERDICTS)
        else:
            yield from _members(family)


def _members(family: str) -> Iterator[tuple[str, str]]:
    if family not in _FAMILIES:
        raise LookupError(f"{family}.*: add the enumeration of its last word to website/reference/events.py")
    subject = {
        "Dataset": "the publication of a data set",
        "Inference": "a run",
        "Promotion": "a promotion",
        "Provisioning": "an order of environments",
        "Retraining": "a run of training",
    }
    for outcome in _FAMILIES[family]:
        if outcome.value != "duplicate":  # It had no effect, and is not announced.
            name = f"{family}.{outcome.value.title().replace(' ', '')}"
            yield name, _MEANINGS.get(name, f"{subject[family.rpartition('.')[2]]} ended: {outcome.value}")


def _meaning(name: str) -> str:
    if name not in _MEANINGS:
        raise LookupError(f"{name}: say in website/reference/events.py what it means")
    return _MEANINGS[name]
