"""The hold-out rows of a model, and what both models' predictions of them come to."""

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.clients import Clients
from shared.domain.agreement import Agreement, OutputComparison, no_champion
from shared.domain.failures import Refused
from shared.domain.gates.evidence import Evaluation, SliceDifference
from shared.domain.metrics import metric_named
from shared.domain.outputs import Numbers, edges_of
from shared.domain.paired import compare
from shared.domain.promotion.ladder import Holdout

Columns = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldoutRows:
    """*columns* as text, all of one length; *digest* names their content, *features* are what models are asked with.

    *slices* say which rows are in each `column=value`; those of one row say nothing and are left out.
    """

    holdout: Holdout
    columns: Columns
    digest: str
    slices: Mapping[str, Sequence[bool]]

    @property
    def features(self) -> list[str]:
        return [name for name in self.columns if name not in (self.holdout.target, self.holdout.key)]

    @property
    def truth(self) -> list[float]:
        return [float(value) for value in self.columns[self.holdout.target]]


def read_rows(clients: Clients, holdout: Holdout) -> HoldoutRows:
    """The hold-out with its answers. Refused where a file, a column or an answer is missing."""
    rows, data = _rows(clients, holdout.path)
    if holdout.answers:
        known, more = _rows(clients, holdout.answers)
        answers = {row.get(holdout.key, ""): row for row in known}
        rows = [{**row, holdout.target: _answer(answers, row, holdout)} for row in rows]
        data += more
    missing = [name for name in (holdout.target, holdout.key, *holdout.slices) if not rows or name not in rows[0]]
    if missing:
        raise Refused(f"hold-out {holdout.path} lacks {', '.join(missing)}")
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
    return HoldoutRows(holdout=holdout, columns=columns, digest=digest, slices=_slices(columns, holdout.slices))


def evaluate(
    rows: HoldoutRows, gates: Sequence[Mapping[str, Any]], champion_model: str, champion: Any, challenger: Any
) -> Evaluation:
    """What the options of *gates* ask for: metrics alone and, beside a champion, the paired differences."""
    import numpy as np

    truth, seed = np.asarray(rows.truth), int(rows.digest.removeprefix("sha256:")[:8], 16)
    metrics = {str(each["metric"]): float(each.get("confidence", 0.95)) for each in gates}
    values = {name: metric_named(name).value(truth, challenger) for name in metrics}
    if champion is None:
        return Evaluation(digest=rows.digest, rows=len(truth), values=values)

    def paired(name: str, members: Any) -> Any:
        columns = (truth[members], champion[members], challenger[members])
        return compare(name, *columns, confidence=metrics[name], seed=seed)

    every = np.ones(len(truth), dtype=bool)
    return Evaluation(
        digest=rows.digest,
        rows=len(truth),
        champion=champion_model,
        values=values,
        differences=tuple(paired(name, every) for name in metrics),
        slices=tuple(
            SliceDifference(slice=where, difference=paired(name, np.asarray(members)))
            for where, members in rows.slices.items()
            for name in metrics
        ),
    )


def agreement_of(rows: HoldoutRows, champion: Any, challenger: Any) -> Agreement:
    """How alike both outputs are; numbers agree within the hold-out's tolerance."""
    import numpy as np

    if champion is None:
        return no_champion(len(challenger))
    comparison = OutputComparison(Numbers(edges_of(champion), rows.holdout.tolerance))
    slices = {name: np.asarray(members) for name, members in rows.slices.items()}
    comparison.add(rows.columns[rows.holdout.key], champion, challenger, slices)
    return comparison.result()


def _slices(columns: Columns, names: Sequence[str]) -> dict[str, list[bool]]:
    found = {}
    for name in names:
        for value in sorted(set(columns[name])):
            members = [each == value for each in columns[name]]
            if sum(members) > 1:
                found[f"{name}={value}"] = members
    return found


def _rows(clients: Clients, location: str) -> tuple[list[dict[str, str]], bytes]:
    container, _, path = location.partition("/")
    data = clients.hub.read(container, path)
    if data is None:
        raise Refused(f"hold-out {location} is not in the hub; put it there")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig")))), data


def _answer(answers: Mapping[str, Mapping[str, str]], row: Mapping[str, str], holdout: Holdout) -> str:
    key = row.get(holdout.key, "")
    found = answers.get(key, {}).get(holdout.target)
    if found is None:
        raise Refused(f"{holdout.answers} has no {holdout.target} for {holdout.key} {key!r}")
    return found
