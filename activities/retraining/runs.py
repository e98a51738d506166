"""A model's causes, weighed together and claimed by one run; that run's record, opened once and closed once."""

from collections.abc import Sequence
from dataclasses import replace

from activities.effects import once, stamp
from activities.retraining.claims import champion_since, claim, people_of
from shared import contracts as c
from shared.application.retraining.causes import watch_training_data
from shared.application.retraining.consideration import consider, end_pause, note_pause
from shared.application.teams.quotas import count_training, uncount_training
from shared.clients import Clients
from shared.domain import identity
from shared.domain.failures import Refused, Transient
from shared.domain.inference.runs import JobState, job_state
from shared.domain.retraining.causes import Cause
from shared.domain.retraining.costs import Cost, cost_of
from shared.domain.retraining.decision import (
    DecisionRule,
    RetrainingAction,
    RetrainingVerdict,
    Situation,
    as_of,
    decide,
)
from shared.domain.retraining.pipelines import PipelineRunSeen
from shared.domain.retraining.rules import Retraining
from shared.durable.starting import Client, start_once
from shared.records import paths
from shared.records.promotion import record_origin
from shared.records.retraining import (
    Book,
    OpenCause,
    RecordedVerdict,
    RetrainingRecord,
    claimed_run,
    find_claim,
    find_retraining,
    find_trial,
    open_causes,
    read_book,
    read_causes,
    settle,
    write_book,
)
from shared.records.store import plain_record


def weigh_causes(clients: Clients, weighing: c.CausesWeighing) -> c.CausesWeighed:
    """Decide on all open causes; what is worth a run is claimed at once. The same key always gives the same run."""
    model, rules = weighing.model, clients.configuration.retrained(weighing.model)
    book = _book_as_of_now(clients, model)
    if weighing.key in book.claims:
        run = claimed_run(clients.store, book.claims[weighing.key])
        return c.CausesWeighed(move=RetrainingAction.RETRAIN, because=run.because, run=run)
    end_pause(clients.store, model)
    causes = _unclaimed(clients, model, book.running)
    verdict = decide(
        Situation(
            now=clients.clock.now(),
            rules=rules,
            causes=tuple(_weighed(model, cause) for cause in causes),
            in_flight=book.running,
            past=book.runs,
            champion_since=champion_since(clients, rules),
        )
    )
    verdict = _within_quotas(clients, rules, causes, verdict)
    if verdict.rule is not DecisionRule.NO_CAUSE:
        _record_verdict(clients, model, verdict, causes, book.running)
    # Waiting cannot mend what is refused, so its causes are settled. Others stay open, and later causes join them.
    if verdict.move is RetrainingAction.REFUSE:
        settle(clients.store, causes, f"refused: {verdict.rule.value}")
    if verdict.rule is DecisionRule.DEBOUNCE:
        note_pause(clients.store, model)
    if verdict.move is not RetrainingAction.RETRAIN:
        return _waiting(clients, verdict)
    run = _claim_counted(clients, weighing.key, rules, causes, verdict.because)
    return c.CausesWeighed(move=RetrainingAction.RETRAIN, because=verdict.because, run=run)


def _within_quotas(
    clients: Clients, rules: Retraining, causes: list[OpenCause], verdict: RetrainingVerdict
) -> RetrainingVerdict:
    """*verdict*, or to wait where the team has no room for a run that is worth it: its causes stay open until then."""
    if verdict.move is not RetrainingAction.RETRAIN:
        return verdict
    run, now = identity.retraining_id(rules.model, [cause.id for cause in causes]), clients.clock.now()
    try:
        room = count_training(clients.configuration, clients.store, rules, run, now)
    except Refused as refusal:
        return RetrainingVerdict(move=RetrainingAction.REFUSE, rule=DecisionRule.QUOTA, because=str(refusal))
    if not room.because:
        return verdict
    return RetrainingVerdict(
        move=RetrainingAction.WAIT, rule=DecisionRule.QUOTA, because=room.because, until=room.until
    )


def _claim_counted(
    clients: Clients, key: str, rules: Retraining, causes: list[OpenCause], because: str
) -> c.RetrainingRun:
    """`claim`; a run that another weighing was faster than uses nothing of the team's quotas."""
    try:
        return claim(clients, key, rules, causes, because)
    except Refused:
        run = identity.retraining_id(rules.model, [cause.id for cause in causes])
        uncount_training(clients.configuration, clients.store, rules.model, run)
        raise


def open_retraining(clients: Clients, opening: c.RetrainingOpening) -> c.RetrainingOpened:
    """The record, created by the first execution; any other learns who was first."""
    request, store = opening.request, clients.store
    record = RetrainingRecord(
        run=request.run,
        model=request.rules.model,
        opened=stamp(clients),
        execution=opening.execution,
        because=request.because,
        causes=request.causes,
        champion=request.champion,
        cost=Cost(estimate=request.rules.estimate),
    )
    row = {"model": request.rules.model, "outcome": ""}
    # The host may start a finished id again. The conditional create decides, and the execution's own id tells a retry
    # from a second run.
    if store.create(paths.retraining(request.run), record, row):
        return c.RetrainingOpened()
    first = find_retraining(store, request.run)
    if first is None:
        raise Transient(f"the record of {request.run} was removed while it was opened")
    if first.execution == opening.execution:
        return c.RetrainingOpened()
    return c.RetrainingOpened(already=True, because=f"{request.run} was opened at {first.opened}")


def close_retraining(clients: Clients, closing: c.RetrainingClosing) -> c.Done:
    """Write how it ended and what it cost on its record, the audit log and the book, and tell the world.

    The record decides: a repeat says the same of the run, whatever has come meanwhile.
    """

    def act() -> c.Done:
        # The record is written first and decides what everything below says: a repeat reads it and does not measure the
        # cost again.
        request, record = closing.request, _end(clients, closing)
        fields, outcome = plain_record(record), record.outcome or closing.result.outcome
        _settle_absorbed(clients, request, record.absorbed or ())
        facts = {name: fields[name] for name in ("run", "outcome", "because", "promotion", "cost", "absorbed")}
        facts["model"] = fields["challenger"]
        clients.audit.append(closing.key, f"retraining {outcome.value}", request.rules.model, "signalbox", facts)
        data = {**facts, "retrained": request.rules.model, "causes": request.causes}
        kind, subject = f"Signalbox.Retraining.{outcome.value.title().replace(' ', '')}", f"retraining/{request.run}"
        # The book is written last: it lets the next run start, and by then this one is recorded and announced.
        clients.announcer.announce(f"{request.run}-{outcome.value}", kind, subject, data)
        _write_book(clients, request, outcome, record.cost)
        return c.Done(at=fields["closed"])

    return once(clients, closing.key, c.Done, act)


async def start_retraining(client: Client, clients: Clients, start: c.RetrainingStart) -> c.Done:
    await start_once(client, c.RETRAIN, start.request.run, start.request)
    return c.Done(at=stamp(clients))


async def wake_retraining(client: Client, clients: Clients, wake: c.RetrainingWake) -> c.Done:
    """What came meanwhile is looked at now, and not only by the timer."""
    await consider(client, clients.store, wake.model)
    await watch_training_data(client, wake.model)
    return c.Done(at=stamp(clients))


def _book_as_of_now(clients: Clients, model: str) -> Book:
    """Runs that a clock which has gone back since has put in the future are written as of now, once."""
    stored_book = read_book(clients.store, model)
    book = Book() if stored_book is None else stored_book.record
    right = replace(book, runs=as_of(clients.clock.now(), book.runs))
    if right != book:
        write_book(clients.store, model, right, stored_book)
    return right


def _unclaimed(clients: Clients, model: str, running: str) -> list[OpenCause]:
    """Without those that the run in flight has claimed: it may have been killed before it could mark them."""
    causes = open_causes(clients.store, model)
    # Writing the book claims causes and marking them comes later, so after a kill in between the claim is right and the
    # marks lag.
    mine = set(_claimed_ids(clients, running)) if running else set()
    settle(clients.store, [cause for cause in causes if cause.id in mine], running)
    return [cause for cause in causes if cause.id not in mine]


def _claimed_ids(clients: Clients, run: str) -> list[str]:
    run_claim = find_claim(clients.store, run)
    return [cause.id for cause in run_claim.causes] if run_claim else []


def _weighed(model: str, cause: OpenCause) -> Cause:
    return Cause(id=cause.id, model=model, kind=cause.kind, at=cause.at, because="")


def _waiting(clients: Clients, verdict: RetrainingVerdict) -> c.CausesWeighed:
    wait_s = 0.0 if verdict.until is None else max(0.1, (verdict.until - clients.clock.now()).total_seconds())
    return c.CausesWeighed(
        move=verdict.move,
        because=verdict.because,
        wait_s=round(wait_s, 3),
        debounced=verdict.rule is DecisionRule.DEBOUNCE,
    )


def _record_verdict(
    clients: Clients, model: str, verdict: RetrainingVerdict, causes: list[OpenCause], running: str
) -> None:
    """Once for the same causes and the same rule, however often it is looked at."""
    ids = [cause.id for cause in causes]
    name = identity.digest(verdict.move.value, verdict.rule.value, running, *ids)
    until = verdict.until.isoformat(timespec="seconds") if verdict.until else ""
    facts = {
        "move": verdict.move.value,
        "rule": verdict.rule.value,
        "because": verdict.because,
        "until": until,
        "number": len(ids),
    }
    record = RecordedVerdict(
        at=stamp(clients),
        move=verdict.move.value,
        rule=verdict.rule.value,
        because=verdict.because,
        until=until,
        number=len(ids),
        causes=tuple(ids),
    )
    path = f"{paths.verdicts(model)}{name}.json"
    if clients.store.create(path, record):
        clients.audit.append(path, f"retraining: {verdict.move.value}", model, "signalbox", facts)


def _cost(clients: Clients, closing: c.RetrainingClosing) -> Cost:
    """By the pipeline's own times: one that was just cancelled ran until now, and one that never began cost nothing.

    Not known where it is not there any more, or not ours to see.
    """
    rules = closing.request.rules
    try:
        pipeline_run = _pipelines_run(clients, closing)
    except Refused:
        return Cost(estimate=rules.estimate)
    if pipeline_run is None or (
        not pipeline_run.started and job_state(pipeline_run.status) in (JobState.ACTIVE, JobState.CANCELLED)
    ):
        # A run that never began used no node, so its cost is known: 0. An unknown cost would be charged by the
        # estimate.
        return Cost(estimate=rules.estimate, actual=0.0, node_hours=0.0)
    return cost_of(rules, pipeline_run.started, pipeline_run.ended or stamp(clients))


def _pipelines_run(clients: Clients, closing: c.RetrainingClosing) -> PipelineRunSeen | None:
    pipeline, run = closing.request.rules.pipeline, closing.id
    if not run:
        pipeline_run = clients.pipelines.find(pipeline, identity.job_name(closing.request.run))
        run = pipeline_run.id if pipeline_run else ""
    return clients.pipelines.look(pipeline, run) if run else None


def _end(clients: Clients, closing: c.RetrainingClosing) -> RetrainingRecord:
    """The run's record with its end, which is written once."""
    run, result, store = closing.request.run, closing.result, clients.store
    path = paths.retraining(run)
    stored_record = store.get_stored(RetrainingRecord, path)
    if stored_record is None:
        raise Refused(f"the record of {run} is gone from {store.container}/{path}; restore it from a backup")
    if stored_record.record.closed is not None:
        return stored_record.record
    record = replace(
        stored_record.record,
        closed=stamp(clients),
        outcome=result.outcome,
        because=result.because,
        challenger=result.model,
        promotion=result.promotion,
        training=closing.id,
        absorbed=tuple(_absorbed(clients, closing)),
        cost=_cost(clients, closing),
    )
    store.update(stored_record, record, {"outcome": result.outcome.value})
    return record


def _absorbed(clients: Clients, closing: c.RetrainingClosing) -> list[str]:
    """What was asked for during a run that came to a judgement is answered by it; otherwise it is weighed anew."""
    causes = _unclaimed(clients, closing.request.rules.model, closing.request.run)
    return [cause.id for cause in causes] if closing.result.outcome.judged else []


def _settle_absorbed(clients: Clients, request: c.RetrainingRun, cause_ids: Sequence[str]) -> None:
    if cause_ids:
        causes = [cause for cause in open_causes(clients.store, request.rules.model) if cause.id in set(cause_ids)]
        _remember_askers(clients, request.rules.model, request.run, causes)
        settle(clients.store, causes, request.run)


def _remember_askers(clients: Clients, model: str, run: str, causes: list[OpenCause]) -> None:
    """Who asked while the run was in flight is answered by it, and may not approve what it has made."""
    trial = find_trial(clients.store, run)
    if trial is not None and trial.digest:
        askers = people_of(read_causes(clients.store, causes))
        record_origin(clients.store, clients.audit, model, trial.digest, f"{run}-absorbed", askers)


def _write_book(clients: Clients, request: c.RetrainingRun, outcome: c.RetrainingOutcome, cost: Cost) -> None:
    """The run is over: the next may start, and the budget is charged what it cost."""
    model, run = request.rules.model, request.run
    stored_book = read_book(clients.store, model)
    book = Book() if stored_book is None else stored_book.record
    runs = tuple(replace(past, cost=cost.counted) if past.run == run else past for past in book.runs)
    lineage_path = paths.retraining_part(run, "data.json") if outcome.judged else book.used
    running = "" if book.running == run else book.running
    write_book(clients.store, model, replace(book, running=running, runs=runs, used=lineage_path), stored_book)
