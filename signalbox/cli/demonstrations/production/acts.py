"""The acts of the story of production: a release, an abort, and a rollback by hand, while callers never stop asking."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from signalbox.cli.demonstrations.production.checks import (
    check_aborted,
    check_alert,
    check_left,
    check_rehearsed,
    check_released,
    check_steps,
)
from signalbox.cli.demonstrations.production.situation import (
    ENDPOINT,
    ENGINEER,
    MODEL,
    OWNER,
    POLL_S,
    RATE,
    WEIGHTS,
    approve,
    await_end,
    call_endpoint,
    has_ended,
    promote,
    set_faults,
    show,
    traffic,
)
from signalbox.cli.demonstrations.stage import Stage, expect, signed_in, wait_for
from signalbox.launcher.load import RunningLoad

_STAGE = "production"
_BROKEN = 0.2  # The share of errors of the version that turns bad after it has won.
_LOOK_S = 2.0  # What the rollout shows takes the app a dozen reads.
_EVERY = 25  # Of the requests of the version that is to be aborted the last of so many fails: 4 %.


def tell_first(stage: Stage, version: str, rate: float = RATE) -> RunningLoad:
    """Release a version that has none to be compared with. It soaks under the callers who come and stay."""
    promotion = _ask(stage, version, "the first")
    wait_for(lambda: _serves(stage, version), f"{MODEL}:{version} got no traffic", stage.patience_s, POLL_S)
    load = call_endpoint(stage, rate)
    stage.line.say("callers", f"{rate:g} requests a second from now on, whatever happens")
    record = await_end(stage, promotion)
    expect(record["fate"] == "promoted", f"the first version ended as {record['fate']}: {record.get('because')}")
    stage.line.say("first version serves", f"{MODEL}:{version}; there was none to compare it with, so it only soaked")
    return load


def tell_release(stage: Stage, champion: str, version: str, planned: Sequence[int] = WEIGHTS) -> list[int]:
    """A good version takes the traffic of *champion* step by step; the weights that it had."""
    promotion = _ask(stage, version, "what it depends on is mended")
    record = _follow(stage, promotion)
    expect(record["fate"] == "promoted", f"the release ended as {record['fate']}: {record.get('because')}")
    weights = check_steps(stage, promotion, planned)
    check_released(stage, champion, version)
    stage.line.say("in production", f"{MODEL}:{version}; :{champion} is retired, and still warm")
    stage.line.say("step page", str(_keep_page(stage, promotion, len(weights) - 2, "released.html")))
    return weights


def tell_abort(stage: Stage, champion: str, version: str, every: int = _EVERY) -> list[int]:
    """A version of which one answer in *every* is an error under load is put back; the weights that it had."""
    promotion = _ask(stage, version, "it knows the blood serum")
    stage.line.say(
        "rehearsed before", f"from :{version} back to :{champion}: {check_rehearsed(stage, champion, version)}"
    )
    wait_for(lambda: _serves(stage, version), f"{MODEL}:{version} got no traffic", stage.patience_s, POLL_S)
    set_faults(stage, {"match": f"{ENDPOINT}/v{version}-", "error_every": every})
    stage.line.say("it fails under load", f"one in {every} of its answers is an error")
    record = _follow(stage, promotion)
    set_faults(stage)
    expect(record["fate"] == "held", f"the faulty version ended as {record['fate']}: {record.get('because')}")
    weights = check_aborted(stage, promotion, champion, version)
    stage.line.say(
        "aborted", f"at {weights[-1]} %; all traffic is back with :{champion}, and nothing is left of :{version}"
    )
    stage.line.say("step page", str(_keep_page(stage, promotion, len(weights) - 1, "aborted.html")))
    return weights


def tell_alert(stage: Stage, version: str, target: str) -> None:
    """*version* turns bad after it has won; the alert of a rule brings *target* back, and no person does anything."""
    set_faults(stage, {"match": f"{ENDPOINT}/v{version}-", "error_share": _BROKEN})
    stage.line.say("it turns bad", f":{version} won, and now {100 * _BROKEN:g} % of its answers are errors")
    seconds = _await_traffic(stage, target, time.monotonic())
    set_faults(stage)
    alert = check_alert(stage, version)
    stage.line.say("rolled back by an alert", f"{seconds:.1f} s from the first error to the traffic of :{target}")
    _await_rollback(stage, alert["rollback"])
    check_left(stage, version, target)
    stage.line.say("held back", f"{MODEL}:{version} is promoted again once somebody releases it")


def tell_rollback(stage: Stage, version: str, target: str) -> None:
    """The cause is mended: an operator goes back from *version* to *target*, and answers for what is not known good."""
    app, started = signed_in(stage, ENGINEER), time.monotonic()
    body = {"to": target, "override": True, "reason": "its feature store is mended"}
    rollback = app.post(f"models/{MODEL}/rollback", body)["id"]
    seconds = _await_traffic(stage, target, started)
    stage.line.say("rolled back by hand", f"{seconds:.1f} s from the order to the traffic of :{target}")
    _await_rollback(stage, rollback)
    check_left(stage, version, target)


def _await_traffic(stage: Stage, target: str, started: float) -> float:
    """Wait until *target* has all traffic; the seconds since *started*."""
    has_all = f"{MODEL}:{target} did not get the traffic back"
    wait_for(lambda: traffic(stage) == {target: 100}, has_all, stage.patience_s, every_s=0.2)
    return time.monotonic() - started


def _await_rollback(stage: Stage, rollback: str) -> None:
    outcome = stage.app.follow({"id": rollback, "status_url": f"/api/v1/operations/{rollback}"})
    expect(outcome["status"] == "succeeded", f"the rollback ended as {outcome}")


def _ask(stage: Stage, version: str, reason: str) -> str:
    promotion = promote(stage, version, _STAGE, reason)
    stage.line.say("promotion asked", f"{MODEL}:{version} to production: {reason}")
    approve(stage, promotion, _STAGE, {OWNER: "product-owner"})
    stage.line.say("approved", f"{OWNER} as product-owner")
    return promotion


def _serves(stage: Stage, version: str) -> bool:
    return version in traffic(stage)


def _follow(stage: Stage, promotion: str) -> dict[str, Any]:
    """The record of *promotion* once it has ended; each step is told as it ends."""
    count, due = 0, time.monotonic()

    def ended() -> bool:
        nonlocal count, due
        is_over = has_ended(stage, promotion)
        if is_over or time.monotonic() >= due:
            lines = _steps(stage, promotion)  # After the end was seen: the last step of it is told too.
            for title, because in lines[count:]:
                stage.line.say(f"  {title}", because)
            count, due = len(lines), time.monotonic() + _LOOK_S
        return is_over

    wait_for(ended, f"{promotion} did not end", stage.patience_s, POLL_S)
    return show(stage, promotion)


def _steps(stage: Stage, promotion: str) -> list[tuple[str, str]]:
    """What was decided of each step of *promotion* that has ended, and why; nothing before its first look."""
    rollouts = stage.app.get("rollouts", model=MODEL)["rollouts"]
    if promotion not in (row["promotion"] for row in rollouts):
        return []
    rollout = stage.app.get(f"rollouts/{promotion}")
    names = [*(f"{weight} %" for weight in rollout["weights"]), "soak"]
    return [(f"{names[step['step']]}: {step['decision']}", step["because"]) for step in rollout["steps"]]


def _keep_page(stage: Stage, promotion: str, step: int, name: str) -> Path:
    """A copy of the page of *step* that outlives the local cloud; where it is."""
    page = stage.app.get(f"rollouts/{promotion}/page", step=str(step))
    target = stage.folder.parent / "pages" / name
    target.parent.mkdir(exist_ok=True)
    target.write_text(page["html"], encoding="utf-8")
    figures = page["html"].count("<svg")
    expect(figures > 0 and page["digest"] in page["html"], f"{target} draws {figures} figures of {page['digest']}")
    return target
