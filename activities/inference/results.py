"""Send the result of a run to everybody who asked for it by a message: one message each, also after a repeat.

The ledger keeps the app from sending twice; where it dies in between, the topic drops the second message by its id.
"""

from activities.effects import once, stamp
from shared import contracts as c
from shared.application.inference.open_runs import forget_open
from shared.application.inference.result_requests import askers_of
from shared.clients import Clients
from shared.domain import identity
from shared.domain.inference.runs import RunOutcome
from shared.domain.messaging import Asker, Message


def tell_result(clients: Clients, telling: c.Telling) -> c.Done:
    """After the last word a run is open no more."""
    for asker in askers_of(clients.hub, telling.inference) or [Asker(message="")]:
        _tell(clients, telling, asker)
    if telling.last:
        forget_open(clients.hub, telling.inference)
    return c.Done(at=stamp(clients))


def _tell(clients: Clients, telling: c.Telling, asker: Asker) -> c.Done:
    def act() -> c.Done:
        clients.messenger.send(telling.inference.hub.results, _message(telling, asker))
        return c.Done(at=stamp(clients))

    # A key for each sender: with one for all of them, a host that dies after the first message would leave the others
    # without an answer, or send the first one twice.
    key = f"{telling.key}-{identity.digest(asker.message)}" if asker.message else telling.key
    return once(clients, key, c.Done, act)


def _message(telling: c.Telling, asker: Asker) -> Message:
    """Without an asker a run is its own session and correlation."""
    request, result = telling.inference, telling.result
    outcome, score = result.outcome.value, request.route.score
    return Message(
        id=identity.result_id(result.run, outcome, asker.message),
        subject=_subject(result.outcome),
        session=asker.session or result.run,
        correlation=asker.correlation or asker.message or result.run,
        properties={"run": result.run, "route": request.route.name, "outcome": outcome},
        body={
            "run": result.run,
            "route": request.route.name,
            "outcome": outcome,
            "because": result.because[:1000],
            "manifest": result.manifest,
            "model": score.scored_model,
            "file": request.trigger.location if request.trigger else "",
        },
    )


def _subject(outcome: RunOutcome) -> str:
    return f"Signalbox.Inference.{outcome.value.capitalize()}"


def tell_verdict(clients: Clients, telling: c.VerdictTelling) -> c.Done:
    """What a data check that a message asked for came to: `passed`, `failed`, or `refused` with the reason."""

    def act() -> c.Done:
        clients.messenger.send(telling.check.results, _verdict_message(telling))
        return c.Done(at=stamp(clients))

    return once(clients, telling.key, c.Done, act)


def _verdict_message(telling: c.VerdictTelling) -> Message:
    check, verdict, asker = telling.check, telling.verdict, telling.check.asker or Asker(message="")
    outcome = verdict.outcome if verdict else "refused"
    because = telling.because or "; ".join(verdict.summary if verdict else ())
    names = {"check": check.id, "route": check.route, "outcome": outcome}
    report = verdict.report if verdict else ""
    return Message(
        id=identity.result_id(check.id, outcome, asker.message),
        subject=f"Signalbox.DataCheck.{outcome.capitalize()}",
        session=asker.session or check.id,
        correlation=asker.correlation or asker.message,
        properties=names,
        body={**names, "because": because[:1000], "report": report, "file": check.path},
    )
