"""The second story: a better model climbs to the central registry past gates and people; a worse one is held."""

from pathlib import Path
from typing import Any

from signalbox.cli.demonstrations.example import offer_answers, offer_example, train_example
from signalbox.cli.demonstrations.stage import Stage, control, expect, signed_in, wait_for

_MODEL = "diabetes-progression"
# A tag does not name the person who asked, so one more person must approve: the witness.
_DECIDERS = (
    ("ada@example.org", "data-scientist"),
    ("grace@example.org", "product-owner"),
    ("barbara@example.org", "witness"),
)


def tell_promotion(stage: Stage) -> None:
    """Promote a first model, the champion, and then a better and a worse challenger."""
    endpoints = stage.cloud.endpoints
    offer_answers(endpoints, stage.folder)
    _offer(stage, stage.folder, "2", "preprod")
    stage.line.say("champion flagged", f"{_MODEL}:2 knows what a ward measures: age, sex, body mass, blood pressure")
    first = _await_fate(stage, _promotion_of(stage, "2"))
    expect(first["fate"] == "promoted", f"the champion ended as {first['fate']}: {first.get('because')}")
    stage.line.say("champion serves", "in pre-production, as no other did before it")
    climb(stage, "3", _train(stage, "blood"))
    hold_back(stage, "4", _train(stage, "stiff"))
    verify_audit(stage)


def climb(stage: Stage, version: str, folder: Path) -> dict[str, Any]:
    """Promote a challenger that uses six more blood values; three people approve. Returns the promotion's record."""
    _offer(stage, folder, version, "central")
    promotion = _promotion_of(stage, version)
    stage.line.say("challenger flagged", f"{_MODEL}:{version} also knows the blood serum; {promotion}")
    page = wait_for(lambda: _asking(stage, promotion), f"{promotion} did not come to asking anybody", stage.patience_s)
    verdict = _improvement(stage, promotion)
    stage.line.say("gates passed", verdict)
    unmet = stage.app.get(f"promotions/{promotion}/explain")["unmet"]
    stage.line.say("people are asked", f"{len(unmet)} approvals are missing; they look at {page['page']}")
    for person, role in _DECIDERS:
        body = {"role": role, "evidence": page["digest"], "reason": "the blood values carry weight"}
        signed_in(stage, person).post(f"promotions/{promotion}/approve", body)
        stage.line.say("approved", f"{person} as {role}")
    record = _await_fate(stage, promotion)
    expect(record["fate"] == "promoted", f"the challenger ended as {record['fate']}: {record.get('because')}")
    _check_entry(stage, version)
    return record


def _check_entry(stage: Stage, version: str) -> None:
    """The registry as Azure Resource Manager shows it, and not as the app says it is."""
    state = control(stage, "/_control/state", door="azureml")
    suffix = f"/registries/mlr-central/models/{_MODEL}/versions/{version}"
    entry = next(body for path, body in state.items() if path.endswith(suffix))
    tags = entry["properties"]["tags"]
    expect(tags.get("signalbox.state") == "approved", f"the registry's entry has the tags {tags}")
    stage.line.say(
        "in the registry", f"{_MODEL}:{version} is {tags['signalbox.state']} by {tags['signalbox.approved_by']}"
    )
    stage.line.say("bundle", tags["signalbox.digest"])


def hold_back(stage: Stage, version: str, folder: Path) -> dict[str, Any]:
    """A model that is worse; its promotion's record."""
    _offer(stage, folder, version, "central")
    stage.line.say("worse one flagged", f"{_MODEL}:{version} was regularised until little is left")
    record = _await_fate(stage, _promotion_of(stage, version))
    expect(record["fate"] == "held", f"the worse model ended as {record['fate']}: {record.get('because')}")
    stage.line.say("held", record["because"][0])
    return record


def verify_audit(stage: Stage) -> None:
    chain = stage.app.get("audit")
    expect(chain["whole"], f"the audit log is broken: {chain['broken']}")
    stage.line.say("audit log verified", f"{chain['entries']} entries, head {chain['head'][:19]}")


def _train(stage: Stage, recipe: str) -> Path:
    folder = stage.folder.parent / recipe
    train_example(stage.project, folder, recipe)
    return folder


def _offer(stage: Stage, folder: Path, version: str, target: str) -> None:
    offer_example(stage.cloud.endpoints, folder, version, f"{_MODEL}:{version} -> {target}")


def _promotion_of(stage: Stage, version: str) -> str:
    def listed() -> str:
        rows = stage.app.get("promotions", model=_MODEL)["promotions"]
        return next((row["promotion"] for row in rows if row["version"] == version), "")

    return str(wait_for(listed, f"no promotion of {_MODEL}:{version} was started", stage.patience_s))


def _asking(stage: Stage, promotion: str) -> dict[str, Any] | None:
    record = stage.app.get(f"promotions/{promotion}")
    expect(not record.get("fate"), f"{promotion} ended as {record.get('fate')}: {record.get('because')}")
    pages = [page for page in record["evidence"] if page["stage"] == "central"]
    return pages[0] if pages and record["step"] == "waiting for approval" else None


def _await_fate(stage: Stage, promotion: str) -> dict[str, Any]:
    def ended() -> dict[str, Any] | None:
        record = stage.app.get(f"promotions/{promotion}")
        return record if record.get("fate") else None

    return dict(wait_for(ended, f"{promotion} did not end", stage.patience_s))


def _improvement(stage: Stage, promotion: str) -> str:
    """The verdict on the challenger, as the history tells it."""
    entries = stage.app.get(f"models/{_MODEL}/history")["entries"]
    for entry in reversed(entries):
        for verdict in entry["facts"].get("verdicts", ()) if entry["kind"] == "assessed" else ():
            if entry["facts"]["promotion"] == promotion and verdict["gate"] == "better_than_champion":
                return str(verdict["because"])
    return ""
