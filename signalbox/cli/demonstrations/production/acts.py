"""The acts of the story of production. Each checks what it says in Azure Resource Manager, and not only in the app."""

import time
from functools import partial
from typing import Any

from signalbox.cli.demonstrations.production.situation import (
    ENDPOINT,
    ENGINEER,
    MODEL,
    OWNER,
    RATE,
    WEIGHTS,
    Production,
    approve,
    await_end,
    call_endpoint,
    promote,
    set_faults,
    show,
    traffic,
)
from signalbox.cli.demonstrations.stage import Stage, expect, signed_in, wait_for
from signalbox.launcher.load import RunningLoad

_STAGE = "production"


def tell_first(stage: Stage, version: str) -> RunningLoad:
    """The first version has none to be compared with; it serves once callers ask for it. They go on from then on."""
    promotion = _ask(stage, version, "the first")
    has_traffic = partial(_has_traffic, stage, version)
    wait_for(has_traffic, f"{version} got no traffic", stage.patience_s)
    load = call_endpoint(stage)
    stage.line.say("callers", f"{RATE:g} requests a second from now on, whatever happens")
    record = await_end(stage, promotion)
    expect(record["fate"] == "promoted", f"the first version ended as {record['fate']}: {record.get('because')}")
    stage.line.say("first version serves", f"{MODEL}:{version}: there was none to compare it with, so it only soaked")
    return load


def _has_traffic(stage: Stage, version: str) -> bool:
    rollouts = stage.app.get("rollouts")["rollouts"]
    return bool(rollouts) and version in traffic(stage)


def tell_release(production: Production, champion: str, version: str) -> None:
    stage = production.stage
    promotion = _ask(stage, version, "better on new patients")
    record = _follow(stage, promotion)
    expect(record["fate"] == "promoted", f"ended as {record['fate']}: {record.get('because')}")
    expect(traffic(stage) == {version: 100}, f"the traffic is {traffic(stage)}")


def tell_abort(production: Production, champion: str, version: str) -> None:
    stage = production.stage
    promotion = _ask(stage, version, "the same model in a new image")
    wait_for(lambda: version in traffic(stage), "no traffic", stage.patience_s)
    set_faults(stage, {"match": f"{ENDPOINT}/v{version}-", "error_share": 0.04})
    stage.line.say("under load it fails", "4 % of its answers are errors")
    record = _follow(stage, promotion)
    expect(record["fate"] == "held", f"ended as {record['fate']}: {record.get('because')}")
    expect(traffic(stage) == {champion: 100}, f"the traffic is {traffic(stage)}")


def tell_rollback(production: Production, current: str, target: str) -> None:
    stage = production.stage
    started = time.monotonic()
    rollback = signed_in(stage, ENGINEER).post(f"models/{MODEL}/rollback", {"reason": "wrong prices"})["id"]
    wait_for(lambda: traffic(stage) == {target: 100}, "the traffic did not go back", stage.patience_s, 0.05)
    stage.line.say("rolled back", f"{time.monotonic() - started:.1f} s from the order to the traffic; {rollback}")


def _ask(stage: Stage, version: str, reason: str) -> str:
    promotion = promote(stage, version, _STAGE, reason)
    stage.line.say("promotion asked", promotion)
    approve(stage, promotion, _STAGE, {OWNER: "product-owner"})
    return promotion


def _follow(stage: Stage, promotion: str) -> dict[str, Any]:
    shown = list[str]()

    def ended():
        record = show(stage, promotion)
        rows = [row for row in stage.app.get("rollouts")["rollouts"] if row["promotion"] == promotion]
        for row in rows:
            text = f"step {row['step']} look {row['looks']} {row['decision']}: {row['because']}"
            if text not in shown[-1:]:
                shown.append(text)
                stage.line.say("  rollout", text[:200])
        return record if record.get("fate") else None

    return dict(wait_for(ended, f"{promotion} did not end", stage.patience_s, every_s=0.25))
