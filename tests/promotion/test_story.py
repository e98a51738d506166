"""The way up: plan, gates, approvals, and what stands at the end; and a worse model that goes no further."""

import json
from dataclasses import replace
from datetime import datetime, timedelta

from shared import contracts as c
from shared.domain.promotion.models import DIGEST, HELD, STATE, EntryState
from shared.domain.retraining.pipelines import PipelineRunSeen
from tests.promotion.conftest import PromotionApp


async def test_a_first_model_climbs_to_the_registry_after_two_approvals(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    result = await app.whole("churn:1")

    assert (result.fate, result.reached) == (c.Fate.PROMOTED, "central")
    entry = app.cloud.state["assets"]["central/models/churn:1"]
    assert entry.tags[STATE] == EntryState.APPROVED.value
    assert "ada" in entry.tags["signalbox.approved_by"]
    assert app.cloud.state["endpoints"]["preprod/onlineEndpoints/online"]["traffic"].values()
    assert app.clients.announcer.kinds[-1] == "Signalbox.Promotion.Promoted"  # type: ignore[attr-defined]
    kinds = app.chain()
    assert (kinds[0], kinds[-1]) == ("planned", "promoted")
    assert [kinds.count(kind) for kind in ("decision approved", "receipt issued", "moved")] == [2, 4, 7]


async def test_a_better_one_replaces_the_champion_and_a_worse_one_is_held(app: PromotionApp) -> None:
    app.register("1", error=2.0)
    await app.whole("churn:1")
    app.register("2", error=1.0)
    better = await app.whole("churn:2")
    pack = json.loads(app.hub.read("signalbox", f"promotions/{better.id}/preprod/exit/pack.json") or b"{}")
    assert better.fate is c.Fate.PROMOTED
    assert [each["what"] for each in pack["changed"]] == [DIGEST]
    before = app.cloud.snapshot()
    app.register("3", error=3.0)
    app.pipelines.runs["train-9"] = PipelineRunSeen(id="train-9", name="train-9", status="Running")
    app.pipelines.roots["job-1"] = "train-9"

    held = await app.finish(await app.promote("churn:3"))

    assert held.fate is c.Fate.HELD
    assert "better_than_champion: fail" in held.because[0]
    after = app.cloud.snapshot()
    tags = after["assets"].pop("dev/models/churn:3").tags
    after["files"] = {key: data for key, data in after["files"].items() if "churn/3" not in key}
    assert after == before
    assert "better_than_champion" in tags[HELD]
    assert "better_than_champion: fail" in app.pipelines.cancelled["train-9"]


async def test_the_same_promotion_again_is_a_new_attempt_that_moves_nothing(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    await app.whole("churn:1")
    effects = dict(app.cloud.effects)

    second = await app.promote("churn:1")

    assert second.endswith("-2")
    held = await app.finish(second)
    assert held.fate is c.Fate.HELD  # A champion is not better than itself.
    assert {name: count for name, count in app.cloud.effects.items() if name.startswith(("copy", "deploy"))} == {
        name: count for name, count in effects.items() if name.startswith(("copy", "deploy"))
    }


async def test_promotions_of_one_endpoint_take_turns(app: PromotionApp) -> None:
    app.register("1", error=2.0)
    app.register("1", error=1.0, name="fraud")
    first = await app.promote("churn:1")
    await app.evidence(first)

    second = await app.promote("fraud:1", to="preprod")
    await app.pass_time(timedelta(minutes=10))
    _, waiting = await app.ask("GET", f"promotions/{second}")
    _, held_up = await app.ask("GET", f"promotions/{second}/explain")
    await app.approve(first)

    assert (waiting["step"], waiting["doing"]["held_by"]) == ("waiting for the endpoint", first)
    assert held_up["unmet"] == [
        f"preprod/{name} is held by promotion {first}; it can be met by those whom `explain {first}` names"
        for name in ("batch", "online")
    ]
    assert (await app.finish(first)).fate is c.Fate.PROMOTED
    assert (await app.finish(second)).fate is c.Fate.PROMOTED
    assert not list(app.hub.list("signalbox", "locks/"))


async def test_a_plan_writes_nothing_and_lists_everything(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    blobs = dict(app.hub.writes)

    status, plan = await app.ask("POST", "plans", {"model": "churn:1", "to": "central"})

    assert status == 200
    assert (dict(app.hub.writes), dict(app.cloud.effects)) == (blobs, {})
    assert plan["writes"][0] == "preprod: copy_bundle"
    assert plan["writes"][-1] == "central: approve_entry"
    assert "preprod (exit): better_than_champion" in plan["gates"]
    assert plan["approvals"] == ["central: data-scientist", "central: product-owner"]
    assert plan["unmet"][0].startswith("preprod (entry): data_tests_passed: there is no evidence about: data test")
    assert plan["unmet"][-1].endswith("nobody has approved; it can be met by app role ProductOwner")
    assert not [each for each in plan["unmet"] if "not_frozen" in each or "is held by" in each]


async def test_a_plan_says_at_once_that_the_holdout_is_missing(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    app.hub.delete("evaluation", "churn.csv")

    _, plan = await app.ask("POST", "plans", {"model": "churn:1", "to": "central"})

    assert plan["unmet"][0].startswith("hold-out evaluation/churn.csv is not in the hub")
    assert "it can be met by" in plan["unmet"][0]


async def test_a_plan_names_what_is_in_its_way(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    first = await app.promote("churn:1")
    await app.evidence(first)
    there = app.cloud.state["assets"]["preprod/models/churn:1"]
    app.cloud.state["assets"]["preprod/models/churn:1"] = replace(there, tags={DIGEST: "sha256:other"})

    _, plan = await app.ask("POST", "plans", {"model": "churn:1", "to": "central"})
    _, said = await app.ask("GET", f"promotions/{first}/explain")

    assert plan["unmet"][0].startswith(
        "preprod: churn:1 is there with sha256:other; it can be met by the team that trains"
    )
    assert f"model/churn is held by promotion {first}" in plan["unmet"][1]
    assert len(said["unmet"]) == 2


async def test_an_approved_plan_runs_only_in_the_world_it_was_made_for(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    _, plan = await app.ask("POST", "plans", {"model": "churn:1", "to": "central"})
    promotion = await app.promote("churn:1", plan=plan["plan"])
    await app.approve(promotion)
    assert (await app.finish(promotion)).fate is c.Fate.PROMOTED

    app.register("2", error=0.5)
    _, stale = await app.ask("POST", "plans", {"model": "churn:2", "to": "central"})
    app.register("2", error=0.5, note="x", **{"signalbox.promote": "churn:2 -> central"})
    status, refused = await app.ask(
        "POST", "promotions", {"model": "churn:2", "to": "central", "reason": "r", "plan": stale["plan"]}, "linus"
    )

    assert status == 409
    assert "flag was '' and is 'churn:2 -> central'" in refused["detail"]


async def test_reminders_escalation_and_silence(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")

    result = await app.finish(promotion)

    kinds = app.clients.announcer.kinds  # type: ignore[attr-defined]
    assert result.fate is c.Fate.EXPIRED
    assert "the approvals expired: asked for at " in result.because[0]
    assert "nobody has approved" in result.because[1]
    assert kinds[-1] == "Signalbox.Promotion.Expired"
    assert kinds.count("Signalbox.Promotion.ApprovalRequested") == 3
    assert kinds.count("Signalbox.Promotion.ApprovalEscalated") == 4
    assert not any(key.startswith(("preprod", "central")) for key in app.cloud.state["deployments"])


async def test_what_waits_is_listed_with_whom_it_waits_for_since_when_and_until_when(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    app.register("2", error=1.0, name="fraud")
    nobody = (await app.ask("GET", "promotions?fate=waiting"))[1]
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")
    await app.pass_time(timedelta(seconds=5))

    _, page = await app.ask("GET", "promotions?fate=waiting")
    _, others = await app.ask("GET", "promotions?fate=waiting&model=fraud")

    assert (nobody["total"], others["total"], page["total"]) == (0, 0, 1)
    (row,) = page["promotions"]
    (waited,) = row["waits"]
    assert (row["promotion"], row["fate"]) == (promotion, "waiting")
    assert (waited["stage"], waited["role"], waited["glass"]) == ("central", "product-owner", False)
    assert waited["who"] == "it can be met by app role ProductOwner"
    assert waited["evidence"] == await app.evidence(promotion)
    since, until = (datetime.fromisoformat(waited[name]) for name in ("since", "until"))
    assert until - since == timedelta(days=7)


async def test_explain_names_each_unmet_condition_and_who_can_meet_it(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")
    await app.pass_time(timedelta(seconds=5))

    _, said = await app.ask("GET", f"promotions/{promotion}/explain")

    assert said["unmet"] == ["central: product-owner: nobody has approved; it can be met by app role ProductOwner"]


async def test_approvers_get_the_page_whose_digest_they_approve(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    digest = await app.evidence(promotion)

    _, newest = await app.ask("GET", f"promotions/{promotion}/evidence")
    _, first = await app.ask("GET", f"promotions/{promotion}/evidence?stage=preprod&phase=entry")
    status, refused = await app.ask("GET", f"promotions/{promotion}/evidence?stage=prod")

    assert (newest["stage"], newest["digest"]) == ("central", digest)
    assert digest in newest["html"]
    assert "<svg" not in first["html"]
    assert (status, "it has preprod entry, preprod exit, central entry" in refused["detail"]) == (404, True)


async def test_history_answers_from_the_chain_and_an_edit_is_found(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    await app.whole("churn:1")

    _, whole = await app.ask("GET", "audit")
    _, history = await app.ask("GET", "models/churn/history")
    _, early = await app.ask("GET", "models/churn/history?at=2000-01-01")
    _, others = await app.ask("GET", "models/fraud/history")
    path = "audit/entries/000000000003.json"
    raw = app.hub.read("signalbox", path)
    assert raw is not None
    app.hub.land(f"signalbox/{path}", raw.replace(b"signalbox", b"somebody"))
    filed = next(iter(app.hub.list("signalbox", "audit/subjects/")))
    app.hub.delete("signalbox", filed.path)
    _, broken = await app.ask("GET", "audit")

    assert (whole["whole"], whole["entries"]) == (True, len(history["entries"]))
    assert early["entries"] == []
    assert others["entries"] == []
    assert broken["broken"][0].startswith("entry 3 was changed")
    assert f"{whole['entries'] - 1} of them are found by their model" in broken["broken"][-1]
