"""Checks of what the story of production says, where it can be in Azure Resource Manager and in the endpoint's log.

The app's own records are compared with them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from signalbox.cli.demonstrations.production.situation import (
    ALERT_RULE,
    ENDPOINT,
    ENVIRONMENT,
    MODEL,
    PREPROD,
    PREPROD_ENDPOINT,
    WEIGHTS,
    WORKSPACE,
    golden_requests,
    traffic,
    version_of,
)
from signalbox.cli.demonstrations.stage import Stage, control, expect
from signalbox.emulators.azure_ml.online.traffic import RequestLog, ScoredRequest
from signalbox.launcher.load import LoadReport

_NOTICED_S = 15.0  # A change of traffic is recorded once it was read back.
_FAR = 2.0**40


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """*version* had a *share* of the traffic from *since* until *until*, in epoch seconds."""

    version: str
    share: int
    since: float
    until: float


def check_rehearsed(stage: Stage, target: str, version: str) -> str:
    """Pre-production went from *target* to *version*, back, and to *version* again; what production's gate says of it.

    After the way back *target* has answered its golden requests, by the log of pre-production's endpoint.
    """
    rows = stage.app.get(f"environments/{PREPROD}/endpoints/{PREPROD_ENDPOINT}/serving")["intervals"]
    rows.sort(key=lambda row: row["since"])
    told = [(version_of(row["deployment"]), row["share"]) for row in rows]
    way = [(name, 100) for name in (target, version, target, version)]
    start = next((place for place in range(len(rows)) if told[place : place + 4] == way), None)
    if start is None:
        raise click.ClickException(f"pre-production has served {told}, in which {way} is not")
    kinds = [row["began"] for row in rows[start + 1 : start + 3]]
    expect(kinds == ["rehearsal"] * 2, f"pre-production was switched by {kinds}")
    back, golden = _served(rows[start + 2]), len(golden_requests(stage))
    answers = [
        request
        for request in _logged(stage.cloud.state, PREPROD_ENDPOINT)
        if (version_of(request.deployment), request.status) == (target, 200) and back.since <= request.at <= back.until
    ]
    expect(len(answers) >= golden, f":{target} answered {len(answers)} of {golden} golden requests after the way back")
    return f"{_finding(stage, version, 'rollback_rehearsed')}; {len(answers)} golden requests answered by :{target}"


def _finding(stage: Stage, version: str, gate: str) -> str:
    """What *gate*, which *version* has passed, has found, as the history of the model tells it."""
    entries = stage.app.get(f"models/{MODEL}/history")["entries"]
    assessed = [entry for entry in entries if (entry["kind"], entry["subject"]) == ("assessed", f"{MODEL}:{version}")]
    verdicts = [verdict for entry in assessed for verdict in entry["facts"]["verdicts"] if verdict["gate"] == gate]
    expect([verdict["outcome"] for verdict in verdicts] == ["pass"], f"gate {gate} has found {verdicts}")
    return str(verdicts[0]["because"])


def check_steps(stage: Stage, promotion: str, planned: Sequence[int]) -> list[int]:
    """Every step of the *planned* weights has let the release go on, by counted requests; the weights it had."""
    steps = stage.app.get(f"rollouts/{promotion}")["steps"]
    weights = [step["weight"] for step in steps]
    expect(weights == [*planned, 100], f"the steps had the weights {weights}; the last is the soak")
    stopped = [step for step in steps if step["decision"] != "advance" or not step["requests"] or step["errors"]]
    expect(not stopped, f"these steps of a good version did not end well: {stopped}")
    return weights[:-1]


def check_released(stage: Stage, champion: str, version: str) -> None:
    """*version* has all traffic and is in production; *champion* is retired, and its deployment is there."""
    state = control(stage, "/_control/state", door="azureml")
    expect(traffic(stage) == {version: 100}, f"the traffic is {traffic(stage)}")
    _check_states(state, {version: "in production", champion: "retired"})
    expect(_deployed(state) >= {champion, version}, f"deployed are {_deployed(state)}")


def check_aborted(stage: Stage, promotion: str, champion: str, version: str) -> list[int]:
    """*version* was aborted for its errors, *champion* has all traffic again; the weights that *version* had."""
    steps = stage.app.get(f"rollouts/{promotion}")["steps"]
    last = steps[-1]
    expect("worse in errors" in last["because"], f"the last step ended because {last['because']}")
    expect(last["weight"] <= WEIGHTS[2], f"it was aborted at {last['weight']} % only")
    state = control(stage, "/_control/state", door="azureml")
    expect(traffic(stage) == {champion: 100}, f"the traffic is {traffic(stage)}")
    expect(version not in _deployed(state), f"deployed are {_deployed(state)}")
    _check_states(state, {version: "approved", champion: "in production"})
    return [step["weight"] for step in steps]


def check_alert(stage: Stage, version: str) -> dict[str, Any]:
    """What the alert about *version* came to in the app: one rollback, ordered by nobody."""
    alerts = stage.app.get(f"environments/{ENVIRONMENT}/endpoints/{ENDPOINT}/alerts")["alerts"]
    acted = [alert for alert in alerts if alert["rollback"]]
    expect(len(acted) == 1, f"the alerts came to {alerts}")
    (alert,) = acted
    expect((alert["rule"], alert["model"]) == (ALERT_RULE, f"{MODEL}:{version}"), f"the alert is {alert}")
    return dict(alert)


def check_left(stage: Stage, version: str, target: str) -> None:
    """The registry says that *target* is in production, and the app that *version* is held back."""
    _check_states(control(stage, "/_control/state", door="azureml"), {target: "in production", version: "approved"})
    known = {row["model"]: row for row in stage.app.get(f"models/{MODEL}/known-good")["versions"]}
    conditions = {row["condition"]: row for row in known[f"{MODEL}:{version}"]["conditions"]}
    expect(not conditions["not held back"]["met"], f"nothing holds {version} back: {conditions}")


def check_history(stage: Stage, shares: Sequence[tuple[str, int]]) -> None:
    """The serving history has these *shares*, in their order, and each request was answered by who served then."""
    rows = stage.app.get(f"environments/{ENVIRONMENT}/endpoints/{ENDPOINT}/serving")["intervals"]
    served = [_served(row) for row in rows]
    told = [(one.version, one.share) for one in sorted(served, key=lambda one: (one.since, one.version))]
    expect(told == list(shares), f"the serving history is {told}, and should be {list(shares)}")
    for row in rows:
        time = f"from {row['since'][11:19]} to {row['until'][11:19] if row['until'] else 'now'}"
        stage.line.say("  served", f"{row['model']} {row['share']:>3} % {time}: {row['began']} by {row['by']}")
    logged = [request for request in _logged(stage.cloud.state) if not request.named]
    farthest = max(_distance(served, request) for request in logged)
    expect(farthest <= _NOTICED_S, f"a request was answered by a version that had served {farthest:.1f} s off")
    text = (
        f"each of {len(logged)} requests in the endpoint's log was answered by a version that had traffic then, "
        f"or at most {farthest:.1f} s before or after"
    )
    stage.line.say("history verified", text)


def shifted_shares(champion: str, version: str, weights: Sequence[int]) -> list[tuple[str, int]]:
    """The shares of both versions in a rollout with these *weights*."""
    shares = [((champion, 100 - weight), (version, weight)) for weight in weights]
    return [(name, share) for pair in shares for name, share in pair if share]


def check_callers(stage: Stage, report: LoadReport, faulty: Iterable[str]) -> None:
    """Every request was answered, and errors came from the *faulty* versions only."""
    versions = {version_of(name): figures for name, figures in report.deployments.items()}
    counts = f"{report.sent} requests sent, {report.answered} answered, {report.lost} lost"
    expect(report.sent == report.answered and not report.lost, counts)
    logged = sum(not request.named for request in _logged(stage.cloud.state))
    expect(logged == report.answered, f"the endpoint's log has {logged} requests: {counts}")
    failing = {version for version, figures in versions.items() if figures.errors}
    errors = {version: dict(figures.statuses) for version, figures in versions.items()}
    expect(failing == set(faulty), f"versions {sorted(failing)} answered errors: {errors}")
    stage.line.say("no request was lost", counts)
    texts = [f"{versions[name].errors} of {versions[name].answered} answers of :{name}" for name in sorted(failing)]
    stage.line.say("answered with an error", ", ".join([*texts, "none of any other version"] if texts else ["none"]))


def _check_states(state: dict[str, Any], wanted: dict[str, str]) -> None:
    """The entries of the registry as Azure Resource Manager shows them."""
    for version, word in wanted.items():
        suffix = f"/registries/mlr-central/models/{MODEL}/versions/{version}"
        entry = next(body for path, body in state.items() if path.endswith(suffix))
        tag = entry["properties"]["tags"].get("signalbox.state")
        expect(tag == word, f"the entry of {MODEL}:{version} is {tag}, and should be {word}")


def _deployed(state: dict[str, Any]) -> set[str]:
    start = f"/{WORKSPACE}/onlineendpoints/{ENDPOINT}/deployments/"
    return {version_of(path.lower().partition(start)[2]) for path in state if start in path.lower()}


def _served(row: dict[str, Any]) -> Served:
    until = datetime.fromisoformat(row["until"]).timestamp() if row["until"] else _FAR
    return Served(
        version=version_of(row["deployment"]),
        share=row["share"],
        since=datetime.fromisoformat(row["since"]).timestamp(),
        until=until,
    )


def _distance(served: Sequence[Served], request: ScoredRequest) -> float:
    """The seconds between *request* and the nearest time at which who answered it had a share."""
    intervals = [one for one in served if one.version == version_of(request.deployment)]
    return min((max(one.since - request.at, request.at - one.until, 0.0) for one in intervals), default=_FAR)


def _logged(state: Path, endpoint: str = ENDPOINT) -> list[ScoredRequest]:
    requests = RequestLog(state / "emulators" / "requests.db").between(0.0, _FAR)
    return [request for request in requests if request.endpoint == endpoint]
