"""What the gates of a plan can tell on the hold-out as it is now: it reads, and writes nothing.

A hold-out that is too large to be counted while somebody waits for a plan is counted when it is measured.
"""

import hashlib
from collections import Counter, defaultdict
from datetime import datetime

from shared.application.datasets.versions import hub_file
from shared.application.promotion.holdout.looks import HoldoutVersion, next_look
from shared.domain.failures import Refused
from shared.domain.gates.champion import BetterThanChampion
from shared.domain.gates.odds import HoldoutFacts, odds_of
from shared.domain.gates.options import read_options
from shared.domain.metrics.group_hints import GroupHints
from shared.domain.promotion.ladder import Holdout
from shared.domain.promotion.plans import Phase, Plan
from shared.domain.statistics.key_sketch import KeySketch
from shared.ports import Blob, RowFiles
from shared.records.store import RecordStore

_MOST_BYTES = 8 * 1024 * 1024


def odds_of_plan(store: RecordStore, row_files: RowFiles, plan: Plan, now: datetime) -> tuple[str, ...]:
    """What to expect of each `better_than_champion` of *plan*, a sentence each."""
    gates = [
        (at.stage.name, phase, gate.options)
        for at in plan.stages
        for phase in Phase
        for gate in at.gates(phase)
        if gate.gate == "better_than_champion"
    ]
    if not gates:
        return ()
    model, holdout = plan.model.name, plan.promotable.holdout
    facts = facts_of(store, row_files, holdout)
    if isinstance(facts, str):
        return (facts,)
    version = HoldoutVersion(digest=facts.digest, keys=facts.keys)
    look = next_look(store, model, holdout, version, now)
    sentences = []
    for stage, phase, raw in gates:
        options, _ = read_options(BetterThanChampion, raw)
        if options is not None:
            sentences += [f"{stage} ({phase.value}): {sentence}" for sentence in odds_of(options, facts, look)]
    return tuple(dict.fromkeys(sentences))


def facts_of(store: RecordStore, row_files: RowFiles, holdout: Holdout) -> HoldoutFacts | str:
    """The counts of the hold-out, or a sentence that says why there are none."""
    blobs = list[Blob]()
    for location in filter(None, (holdout.path, holdout.answers)):
        try:
            blob = hub_file(store, location)
        except Refused as refusal:
            return f"hold-out {refusal}"
        if blob is None:
            return f"hold-out {location} is not in the hub; put it there"
        if blob.size > _MOST_BYTES:
            return f"hold-out {location} has {blob.size} bytes: it is counted when it is measured"
        blobs.append(blob)
    try:
        return _counted(row_files, blobs, holdout)
    except Refused as refusal:
        return f"hold-out {refusal}"
    except (IndexError, ValueError) as error:
        return f"hold-out {holdout.path} cannot be counted: {error}"


def _counted(files: RowFiles, blobs: list[Blob], holdout: Holdout) -> HoldoutFacts:
    digest = hashlib.sha256()
    (header, *rows), *_ = [[*filter(None, files.cells(blob, digest.update))] or [[]] for blob in blobs]
    hints = GroupHints(header, [holdout.key, holdout.target, *holdout.slices])
    hints.add_all(rows)
    keys, key = KeySketch(), header.index(holdout.key)
    keys.add_all(cells[key] for cells in rows)
    group = header.index(holdout.group) if holdout.group else -1
    columns = {name: header.index(name) for name in holdout.slices}
    sizes: Counter[str] = Counter()
    members: defaultdict[str, set[str]] = defaultdict(set)
    for cells in rows:
        for where in ("", *(f"{name}={cells[at]}" for name, at in columns.items())):
            sizes[where] += 1
            if holdout.group:
                members[where].add(cells[group])
    units = {where: len(groups) for where, groups in members.items()} if holdout.group else dict(sizes)
    return HoldoutFacts(
        digest=f"sha256:{digest.hexdigest()}",
        rows=len(rows),
        groups=units.get("", 0) if holdout.group else 0,
        slices={where: many for where, many in units.items() if where},
        hints=() if holdout.group else tuple(map(str, hints.hints())),
        keys=keys,
    )
