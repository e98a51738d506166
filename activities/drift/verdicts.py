"""Look at a window: judge it, write the report, and where it drifted tell the world and record a cause, once."""

import asyncio
from datetime import datetime
from typing import Any

from activities.drift.windows import watch_of
from activities.effects import once, stamp
from shared import contracts as c
from shared.application.retraining.causes import raise_cause
from shared.clients import Clients
from shared.domain import identity
from shared.domain.drift.detector import DriftVerdict, detect
from shared.domain.drift.reference import ModelReference, parse_reference
from shared.domain.drift.relevance import RelevanceError, relevance
from shared.domain.drift.relevance_drift import Change, RelevanceChange, compare_relevance
from shared.domain.drift.rule import DriftOutcome
from shared.domain.drift.watch import DriftWatch
from shared.domain.failures import Refused, Transient
from shared.domain.retraining.causes import Cause, CauseKind
from shared.durable.starting import Client
from shared.records import paths
from shared.records.drift import Window, change_window, read_window

_NAMED = 10


def look_at_drift(clients: Clients, look: c.WindowLook) -> c.WindowStanding:
    """How the window stands; one of another reference is not due, and ends with the next run."""
    record = read_window(clients.store, look.model, look.version)
    if record is None:
        return c.WindowStanding()
    window, _ = record
    due = window.look_due(watch_of(clients, look.model), clients.clock.now())
    due = due and window.reference == _kept_reference(clients, look.model, look.version).digest
    return c.WindowStanding(number=window.number, rows=window.rows, look=window.looks, due=due)


def judge_drift(clients: Clients, judging: c.DriftJudging) -> c.DriftFound:
    """The first judgement of a look is the one that counts, however many runs asked for it."""
    return once(clients, judging.key, c.DriftFound, lambda: _judge(clients, judging))


def _judge(clients: Clients, judging: c.DriftJudging) -> c.DriftFound:
    store, watch = clients.store, watch_of(clients, judging.model)
    place = {kind: _report_path(judging, kind) for kind in ("json", "html")}
    window = read_window(clients.store, judging.model, judging.version)
    if window is None:
        raise Refused(f"the window of {judging.model}:{judging.version} is gone from {store.container}")
    # `create` would decide too, but only after the work of a judgement. It still decides between two that judge at
    # once.
    if not store.exists(place["json"]):
        store.create_document(place["json"], _report(clients, judging, watch, window))
    report = _written_report(clients, place["json"])
    store.create_file(place["html"], _page(report).encode())
    outcome = DriftOutcome(report["outcome"])
    if outcome is not DriftOutcome.DRIFTED:  # Drift is noted after its announcement; until then the look stays due.
        _remember(clients, judging, watch, report)
    return c.DriftFound(outcome=outcome, because=report["because"], report=place["json"], page=place["html"])


def _written_report(clients: Clients, path: str) -> dict[str, Any]:
    report = clients.store.document(path)
    if report is None:
        raise Transient(f"{path} was removed while it was told")
    return dict(report)


def _report_path(judging: c.DriftJudging, kind: str) -> str:
    return paths.drift_report(judging.model, judging.version, judging.number, judging.look, kind)


def _page(report: dict[str, Any]) -> str:
    from shared.evidence_page.drift import drift_page

    return drift_page(report)


def _report(clients: Clients, judging: c.DriftJudging, watch: DriftWatch, window: Window) -> dict[str, Any]:
    full_reference = _kept_reference(clients, judging.model, judging.version)
    reference = full_reference if watch.output else full_reference.inputs_alone
    verdict = detect(reference, window[1], watch.rule_of_a_look)
    changes, note = _relevance_changes(clients, watch, reference)
    outcome, because = _together(verdict, changes)
    return {
        "model": judging.model,
        "version": judging.version,
        "window": judging.number,
        "look": judging.look,
        "of_looks": watch.looks,
        "written": stamp(clients),
        "opened": window[0].opened,
        "runs": list(window[0].runs),
        "reference": window[0].reference,
        "alpha": watch.rule.alpha,
        "alpha_of_this_look": watch.rule_of_a_look.alpha,
        "effect": watch.rule.effect,
        "score_must_move": watch.rule.score_must_move,
        "outcome": outcome.value,
        "because": because,
        "verdict": verdict.to_dict(),
        "relevance": [_told(change) for change in changes],
        "relevance_note": note,
    }


def _kept_reference(clients: Clients, model: str, version: str) -> ModelReference:
    path = paths.drift_reference(model, version)
    document = clients.store.document(path)
    if document is None:
        raise Refused(f"the reference of {model}:{version} is gone from {path}")
    return parse_reference(document)


def _relevance_changes(
    clients: Clients, watch: DriftWatch, reference: ModelReference
) -> tuple[tuple[RelevanceChange, ...], str]:
    """What has changed, where rows with answers are kept and the reference knows its relevance; or why nobody knows."""
    baseline = reference.relevance
    if watch.labels is None:
        return (), ""
    if baseline is None or baseline.target != watch.labels.target:
        return (), f"the reference has no relevance for {watch.labels.target}"
    container, _, prefix = watch.labels.path.partition("/")
    newest = max(clients.hub.list(container, prefix), key=lambda blob: (blob.modified, blob.path), default=None)
    if newest is None:
        return (), f"no file with answers lies at {watch.labels.path}"
    try:
        columns = clients.drift_files.columns(newest)
        names = [*(feature.name for feature in baseline.features), baseline.target]
        now = relevance(
            {name: columns[name] for name in names if name in columns},
            baseline.target,
            alpha=baseline.alpha,
            bins=baseline.bins,
            resamples=baseline.resamples,
            seed=baseline.seed,
        )
    except (RelevanceError, Refused) as error:
        return (), f"{newest.container}/{newest.path}: {error}"
    return compare_relevance(baseline, now, alpha=watch.rule_of_a_look.alpha), f"{newest.container}/{newest.path}"


def _together(verdict: DriftVerdict, changes: tuple[RelevanceChange, ...]) -> tuple[DriftOutcome, str]:
    columns = [change.name for change in changes if change.change is Change.CHANGED]
    if not columns:
        return verdict.outcome, verdict.because
    reason = f"what {', '.join(columns)} {'tells' if len(columns) == 1 else 'tell'} about the answer has changed"
    return DriftOutcome.DRIFTED, f"{verdict.because}; {reason}" if verdict.outcome is DriftOutcome.DRIFTED else reason


def _told(change: RelevanceChange) -> dict[str, Any]:
    return {
        "name": change.name,
        "before": change.before,
        "after": change.after,
        "change": change.change.value,
        "because": change.because,
    }


def _remember(
    clients: Clients, look: c.DriftJudging | c.DriftTelling, watch: DriftWatch, report: dict[str, Any]
) -> None:
    """Note the look on the window, unless it was noted before."""

    def noted(window: Window | None) -> Window | None:
        if window is None or window[0].number != look.number or window[0].looks > look.look:
            return None
        outcome, rows = DriftOutcome(report["outcome"]), int(report["verdict"]["rows"])
        after = window[0].looked_at(watch, clients.clock.now(), rows, outcome, report["because"])
        return after, window[1]

    change_window(clients.store, look.model, look.version, noted)


async def tell_drift(client: Client, clients: Clients, telling: c.DriftTelling) -> c.Done:
    """Announce the finding and close its window, under whose name both are; raise it as a cause to retrain."""
    watch = await asyncio.to_thread(watch_of, clients, telling.model)
    done = await asyncio.to_thread(once, clients, telling.key, c.Done, lambda: _tell(clients, watch, telling))
    if watch.retrain:
        cause = await asyncio.to_thread(_cause, clients, telling, done)
        await raise_cause(client, clients.store, clients.configuration, cause)
    return done


def _tell(clients: Clients, watch: DriftWatch, telling: c.DriftTelling) -> c.Done:
    state = clients.configuration.hub.state
    report = _written_report(clients, telling.found.report)
    name, facts = identity.drift_window(telling.model, telling.version, telling.number), _facts(report)
    data: dict[str, Any] = {
        "model": f"{telling.model}:{telling.version}",
        "because": telling.found.because[:1000],
        "report": f"{state}/{telling.found.report}",
        "page": f"{state}/{telling.found.page}",
        "tell": list(watch.tell),
        **facts,
    }
    clients.announcer.announce(name, "Signalbox.Drift.Detected", f"models/{telling.model}", data)
    _remember(clients, telling, watch, report)
    return c.Done(at=stamp(clients))


def _cause(clients: Clients, telling: c.DriftTelling, done: c.Done) -> Cause:
    """The finding as a cause to retrain, as of the time at which it was announced."""
    state = clients.configuration.hub.state
    report = _written_report(clients, telling.found.report)
    window = identity.drift_window(telling.model, telling.version, telling.number)
    return Cause(
        id=identity.cause_id(telling.model, CauseKind.DRIFT.value, window),
        model=telling.model,
        kind=CauseKind.DRIFT,
        at=datetime.fromisoformat(done.at),
        because=telling.found.because[:1000],
        facts=_facts(report) | {"report": f"{state}/{telling.found.report}"},
    )


def _facts(report: dict[str, Any]) -> dict[str, str]:
    """Small texts: the columns that moved with their statistics, the largest share first."""
    columns = [column for column in report["verdict"]["columns"] if column["movement"] == "moved"]
    columns.sort(key=lambda column: (-column["share"], column["column"]))
    changes = [change["name"] for change in report["relevance"] if change["change"] == Change.CHANGED]
    return {
        "version": str(report["version"]),
        "window": str(report["window"]),
        "rows": str(report["verdict"]["rows"]),
        "features": ", ".join(column["column"] for column in columns[:_NAMED]),
        "statistic": "; ".join(
            f"{column['column']}: {column['test']} {column['statistic']:.3g}, p = {column['adjusted_p']:.2g}"
            for column in columns[:_NAMED]
        ),
        "score": str(report["verdict"]["score"]["movement"]),
        "relevance": ", ".join(changes[:_NAMED]),
    }
