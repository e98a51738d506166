"""What waits for one person now: decisions, releases, rollouts that no evidence settles, and what failed of theirs.

It reads the lists' indexes and the records of what is open there; nothing is recorded, and nobody's work is judged.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial

from shared.application.lists import RowFilter, matching, rows_in_scope
from shared.application.promotion.awaited_roles import Waited
from shared.application.promotion.waits import Waits
from shared.domain.access.callers import Caller
from shared.domain.access.permissions import Action
from shared.domain.configuration import Configuration
from shared.domain.inference.runs import RunOutcome
from shared.domain.promotion.delegations import is_named, named_person
from shared.domain.teams.ownership import Belonging, Scope
from shared.records import paths
from shared.records.inference import find_run
from shared.records.lists.index import Entry, RowSet
from shared.records.lists.rows import COLUMNS, PROMOTIONS, RUNS
from shared.records.production.answers import HELD_PARTS, HeldPart, release_path
from shared.records.production.paths import rollout
from shared.records.production.rollouts import RolloutStanding
from shared.records.promotion import find_promotion
from shared.records.store import RecordStore

RECENT = timedelta(days=3)  # How long a failure waits for somebody to look.
MOST = 50  # Of each kind: what is beyond is in the lists.
_AT_ONCE = 8


class WaitingKind(StrEnum):
    """What is asked of the person."""

    APPROVAL = "approval"
    BREAK_GLASS = "break glass"
    RELEASE_DATA = "release of data"
    RELEASE_OUTPUT = "release of predictions"
    RELEASE_ANSWERS = "release of answers"
    ROLLOUT = "rollout"
    FAILED_RUN = "failed run"
    FAILED_PROMOTION = "failed promotion"


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxItem:
    """*subject* is the run, the promotion or the part; *about* the model or the route. Times are ISO 8601 UTC.

    *stage*, *phase*, *role* and *evidence* are those of a decision. *until* is empty where nothing expires.
    *delegated_by* has left the decision to this person, *delegated_because* says why, and *delegable_to* are the others
    to whom this person may leave it.
    """

    kind: WaitingKind
    subject: str
    about: str
    because: str
    since: str
    until: str = ""
    stage: str = ""
    role: str = ""
    evidence: str = ""
    phase: str = ""
    delegated_by: str = ""
    delegated_because: str = ""
    delegable_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InboxRecords:
    """Where it is read; *runs* and *promotions* are the rows of their indexes.

    *configuration* and the rows have nothing that is outside *scope*, which is what the person may read.
    """

    store: RecordStore
    configuration: Configuration
    scope: Scope
    runs: RowSet
    promotions: RowSet

    def scope_of(self, caller: Caller, action: Action) -> Scope:
        """With whose things *caller* may do *action*."""
        return self.configuration.permissions.scope(caller, action)

    def allows(self, caller: Caller, action: Action, place: str, kind: Belonging, name: str) -> bool:
        """Whether *caller* may do *action* in *place* with what *name* names, and may read of it at all."""
        team = self.configuration.team_of(kind, name)
        return self.scope.covers(team) and self.configuration.permissions.allows(caller, action, place, team)


def inbox_of(records: InboxRecords, caller: Caller, waits: Mapping[str, Waits], now: datetime) -> list[InboxItem]:
    """What waits for *caller*: what expires first, then the oldest. *waits* are those of every open promotion."""
    items = [
        *_decisions(records, caller, waits),
        *_releases(records, caller),
        *_held_answers(records, caller),
        *_rollouts(records, caller, waits),
        *_failures(records, caller, now),
    ]
    return sorted(items, key=lambda item: (item.until or "~", item.since))


def _decisions(records: InboxRecords, caller: Caller, waits: Mapping[str, Waits]) -> Iterator[InboxItem]:
    for promotion, waiting in waits.items():
        for role_asked in waiting.roles:
            action = Action.BREAK_GLASS if role_asked.glass else Action.DECIDE
            if waiting.request is None:
                continue
            team = records.configuration.team_of(Belonging.MODEL, waiting.request.model.name)
            if not records.scope_of(caller, action).covers(team):
                continue
            if role_asked.waits_for(caller):
                delegation = role_asked.delegation
                own = delegation if delegation is not None and delegation.is_to(caller) else None
                others = (name for name in role_asked.named if not is_named(caller, name))
                others = (name for name in others if _may_decide(records, waiting.request.model.name, role_asked, name))
                yield InboxItem(
                    kind=WaitingKind.BREAK_GLASS if role_asked.glass else WaitingKind.APPROVAL,
                    subject=promotion,
                    about=str(waiting.request.model),
                    because=waiting.request.reason,
                    since=role_asked.since.isoformat() if role_asked.since else "",
                    until=role_asked.until.isoformat() if role_asked.until else "",
                    stage=role_asked.stage,
                    role=role_asked.role.name,
                    evidence=role_asked.evidence,
                    phase=role_asked.phase.value,
                    delegated_by=own.by.name if own else "",
                    delegated_because=own.reason if own else "",
                    delegable_to=() if delegation else tuple(others),
                )


def _may_decide(records: InboxRecords, model: str, role_asked: Waited, name: str) -> bool:
    """Whether the person whom the configuration calls *name* may decide on *role_asked*, as far as it says so."""
    stages = records.configuration.ladder.stages
    place = next((stage.place for stage in stages if stage.name == role_asked.stage), "")
    return records.allows(Caller.of(named_person(name)), Action.DECIDE, place, Belonging.MODEL, model)


def _releases(records: InboxRecords, caller: Caller) -> Iterator[InboxItem]:
    """The runs whose data or predictions are set aside, where *caller* may release them."""
    runs = rows_in_scope(RUNS, records.runs, records.configuration, records.scope_of(caller, Action.RELEASE))
    for outcome, kind, step, order in (
        (RunOutcome.QUARANTINED, WaitingKind.RELEASE_DATA, "quarantined", "release"),
        (RunOutcome.HELD, WaitingKind.RELEASE_OUTPUT, "held", "release-output"),
    ):
        held_back = RowFilter(equal={"outcome": outcome.value}, ended="closed", is_open=True)
        entries = matching(RUNS, runs, held_back)[:MOST]
        with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
            items = pool.map(partial(_release, records, caller, kind, step, order), entries)
            yield from [item for item in items if item is not None]


def _release(
    records: InboxRecords, caller: Caller, kind: WaitingKind, step: str, order: str, entry: Entry
) -> InboxItem | None:
    """None where *caller* may not release the run, or somebody has."""
    run, store = entry[-1], records.store
    record = find_run(store, run)
    blob = store.find(f"{paths.effects(run)}{step}.json")
    if record is None or blob is None or store.exists(paths.order(run, order)):
        return None
    route = record.inference.route
    if not records.allows(caller, Action.RELEASE, route.score.workspace.name, Belonging.ROUTE, route.name):
        return None
    return InboxItem(
        kind=kind,
        subject=run,
        about=route.name,
        because="its data broke the data contract" if step == "quarantined" else "its predictions broke the contract",
        since=blob.modified.isoformat(),
        until=(blob.modified + timedelta(seconds=route.release_within_s)).isoformat(),
    )


def _held_answers(records: InboxRecords, caller: Caller) -> Iterator[InboxItem]:
    for blob in records.store.blobs(HELD_PARTS):
        hold = records.store.get(HeldPart, blob.path)
        if hold is None or not records.allows(
            caller, Action.RELEASE, hold.environment, Belonging.ANSWERS, hold.answers
        ):
            continue
        if not records.store.exists(release_path(hold.part)):
            because = "; ".join(hold.because)
            kind = WaitingKind.RELEASE_ANSWERS
            yield InboxItem(kind=kind, subject=hold.part, about=hold.answers, because=because, since=hold.at)


def _rollouts(records: InboxRecords, caller: Caller, promotions: Iterable[str]) -> Iterator[InboxItem]:
    """Those whose step nothing has settled in its time, where *caller* may advance or abort one."""
    if not records.configuration.permissions.allows_somewhere(caller, Action.ROLL_OUT):
        return
    for promotion in promotions:
        standing = records.store.get(RolloutStanding, rollout(promotion))
        if standing is None or not standing.overdue:
            continue
        model = standing.model.partition(":")[0]
        if records.allows(caller, Action.ROLL_OUT, standing.environment, Belonging.MODEL, model):
            yield InboxItem(
                kind=WaitingKind.ROLLOUT,
                subject=promotion,
                about=standing.model,
                because=standing.because,
                since=standing.since,
                stage=standing.stage,
            )


def _failures(records: InboxRecords, caller: Caller, now: datetime) -> Iterator[InboxItem]:
    """Runs that somebody who operates must look at, and the promotions that *caller* asked for."""
    since = (now - RECENT).isoformat()
    runs = rows_in_scope(RUNS, records.runs, records.configuration, records.scope_of(caller, Action.OPERATE))
    failed = RowFilter(equal={"outcome": RunOutcome.FAILED.value}, since=since)
    for entry in matching(RUNS, runs, failed)[:MOST]:
        row = dict(zip(COLUMNS[RUNS], entry, strict=False))
        because = "it failed; its page says why"
        kind = WaitingKind.FAILED_RUN
        yield InboxItem(kind=kind, subject=entry[-1], about=row["route"], because=because, since=row["closed"])
    for entry in matching(PROMOTIONS, records.promotions, RowFilter(since=since, ended="fate", is_open=False))[:MOST]:
        row = dict(zip(COLUMNS[PROMOTIONS], entry, strict=False))
        if row["fate"] in ("promoted", "duplicate"):
            continue
        because = _own_failure(records.store, entry[-1], caller)
        if because:
            yield InboxItem(
                kind=WaitingKind.FAILED_PROMOTION,
                subject=entry[-1],
                about=f"{row['model']}:{row['version']}",
                because=because,
                since=row["closed"] or row["opened"],
                stage=row["stage"],
            )


def _own_failure(store: RecordStore, promotion: str, caller: Caller) -> str:
    """Why *promotion* went no further, where *caller* asked for it; empty where they did not."""
    record = find_promotion(store, promotion)
    if record is None or not record.promotion.askers.include(caller, caller.name):
        return ""
    fate = record.fate.value if record.fate else ""
    return f"{fate}: {'; '.join(record.because or ())}".strip(": ")
