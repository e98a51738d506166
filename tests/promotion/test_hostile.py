"""Careless and hostile cases, each with its clear refusal."""

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest

from activities.promotion.assessments import assess_stage
from activities.promotion.promotions import lock_endpoint, open_promotion
from shared import contracts as c
from shared.domain.failures import Refused
from shared.domain.promotion.approvals import ApprovalPolicy
from shared.domain.promotion.models import DIGEST, FLAG
from shared.domain.promotion.plans import Champion, Phase
from shared.ports import EndpointKind, EndpointResponse, OnlineRequest, RegisteredModel
from shared.records import paths as records
from shared.records.predicates import StageEvidence
from shared.records.promotion import sign_evidence
from tests.promotion.conftest import PREPROD, SCIENTIST, PromotionApp
from tests.promotion.test_receipts import ordered, replanned


async def test_one_person_cannot_approve_twice(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")

    first, _ = await app.decide(promotion, "both", "data-scientist")
    second, refused = await app.decide(promotion, "both", "product-owner")

    assert (first, second) == (200, 403)
    assert "has already decided as data-scientist" in refused["detail"]


async def test_the_requester_cannot_approve(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1", who="both")

    status, refused = await app.decide(promotion, "both", "data-scientist")

    assert status == 403
    assert "asked for this promotion and cannot approve it" in refused["detail"]


async def test_who_does_not_hold_the_role_cannot_approve(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")

    status, refused = await app.decide(promotion, "ada", "product-owner")

    assert (status, "does not hold role 'product-owner'" in refused["detail"]) == (403, True)


async def test_nobody_is_not_somebody(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    status, refused = await app.ask("POST", "promotions", {"model": "churn:1", "to": "central", "reason": "r"}, "x")

    assert (status, refused["title"]) == (401, "not signed in")


async def test_an_approval_for_other_evidence_is_refused(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)

    status, refused = await app.decide(promotion, "ada", "data-scientist", evidence="sha256:" + "0" * 64)

    assert (status, "look at it and approve that" in refused["detail"]) == (403, True)


async def test_a_rejection_puts_everything_back(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    before = app.cloud.snapshot()
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "grace", "product-owner", "reject")

    result = await app.finish(promotion)

    after = app.cloud.snapshot()
    after["assets"]["dev/models/churn:1"] = before["assets"]["dev/models/churn:1"]
    assert (result.fate, "grace (product-owner) rejected it: seen" in result.because[0]) == (c.Fate.HELD, True)
    assert after == before


async def test_a_withdrawn_approval_does_not_count(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.decide(promotion, "ada", "data-scientist")
    others, _ = await app.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "both")
    status, _ = await app.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")
    await app.decide(promotion, "grace", "product-owner")
    await app.pass_time(timedelta(seconds=5))

    _, said = await app.ask("GET", f"promotions/{promotion}/explain")

    assert (others, status) == (404, 200)
    assert said["unmet"][0].startswith("central: data-scientist: nobody has approved")


@pytest.mark.parametrize("model", ["churn:latest", "churn:>=1", "churn", "churn:*", "churn:1..3"])
async def test_only_exact_versions_are_promoted(app: PromotionApp, model: str) -> None:
    status, refused = await app.ask("POST", "plans", {"model": model, "to": "central"})

    assert (status, "write NAME:VERSION" in refused["detail"]) == (422, True)


async def test_an_edge_that_is_not_configured_does_not_exist(app: PromotionApp) -> None:
    app.register("1", error=1.0)

    status, refused = await app.ask("POST", "plans", {"model": "churn:1", "source": "preprod", "to": "preprod2"})
    down, backwards = await app.ask("POST", "plans", {"model": "churn:1", "source": "central", "to": "preprod"})

    assert (status, down) == (422, 422)
    assert "the ladder has experiment -> dev, dev -> preprod, preprod -> central" in refused["detail"]
    assert "no configured edge leads from 'central' to 'preprod'" in backwards["detail"]


async def test_a_tag_edited_during_the_promotion_stops_it(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.evidence(promotion)
    key = f"dev/models/{model}"
    there = app.cloud.state["assets"][key]
    app.cloud.state["assets"][key] = replace(there, tags={**there.tags, FLAG: "churn:1 -> elsewhere"})
    await app.approve(promotion)

    result = await app.finish(promotion)

    assert (result.fate, "edited during the promotion" in result.because[0]) == (c.Fate.FAILED, True)
    assert "central/models/churn:1" not in app.cloud.state["assets"]


@pytest.mark.parametrize("approved", [True, False])
async def test_a_champion_that_serves_since_the_plan_is_the_one_to_beat(app: PromotionApp, approved: bool) -> None:
    serving = {}
    for version, error in (("1", 2.0), ("3", 0.1)):
        app.register(version, error)
        await app.finish(await app.promote(f"churn:{version}", to="preprod"))
        serving[version] = app.endpoints.find(PREPROD, EndpointKind.ONLINE, "online").traffic  # type: ignore[union-attr]
    app.endpoints.route(PREPROD, "online", serving["1"])
    app.register("2", error=1.0)
    _, plan = await app.ask("POST", "plans", {"model": "churn:2", "to": "preprod"})

    def give_back(effect: str) -> None:
        if effect.startswith("deploy"):
            app.endpoints.route(PREPROD, "online", serving["3"])

    app.cloud.before = give_back
    more = {"plan": plan["plan"]} if approved else {}
    result = await app.finish(await app.promote("churn:2", to="preprod", **more))

    if approved:
        assert (result.fate, "preprod/models/churn:3" in result.because[0]) == (c.Fate.FAILED, True), result.because
    else:
        assert (result.fate, "better_than_champion: fail" in result.because[0]) == (c.Fate.HELD, True), result.because
        page = json.loads(app.hub.read("signalbox", f"promotions/{result.id}/preprod/exit/pack.json") or b"{}")
        assert [each["model"] for each in page["champions"]] == ["preprod/models/churn:3"]


def test_a_champion_that_approvers_were_not_shown_is_refused(app: PromotionApp) -> None:
    order = ordered(app)
    asking = replace(order.at, stage=replace(order.at.stage, approvals=ApprovalPolicy(roles=(SCIENTIST,))))
    order = replanned(app, replace(order, phase=Phase.EXIT), replace(order.plan, stages=(asking,)))
    champion = Champion(deployment="v7", model="churn:7")
    shown = StageEvidence(stage=order.stage, phase="entry", champion=champion, evidence={}, at="", verdicts=())
    path = records.evidence(order.promotion.id, order.stage, Phase.ENTRY.value, "evidence.json")
    sign_evidence(app.clients.statements, path, order, shown, app.clients.clock.now())

    with pytest.raises(Refused, match=r"the champion was churn:7 \(v7\) when this was approved and is no champion"):
        assess_stage(app.clients, order)


async def test_files_swapped_after_planning_are_not_copied(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    swap = {"copy preprod:": 1}

    def change(effect: str) -> None:
        if effect.startswith("copy") and swap.pop("copy preprod:", None):
            app.cloud.state["files"]["dev:models/churn/1/model.bin"] = b"other weights"

    app.cloud.before = change
    result = await app.finish(await app.promote("churn:1"))

    assert (result.fate, "when planned" in result.because[0]) == (c.Fate.FAILED, True)


@pytest.mark.parametrize(("before", "place"), [("copy preprod:", "preprod"), ("register preprod/", "central")])
async def test_a_file_corrupted_on_its_way_is_found(app: PromotionApp, before: str, place: str) -> None:
    app.register("1", error=1.0)
    effects = list[str]()

    def corrupt(effect: str) -> None:
        effects.append(effect)
        if effect.startswith(before):
            app.cloud.corrupt.add("model.bin")

    app.cloud.before = corrupt
    promotion = await app.promote("churn:1")
    if place == "central":
        await app.approve(promotion)

    result = await app.finish(promotion)

    assert (result.fate, "model/model.bin differs" in result.because[0]) == (c.Fate.FAILED, True)
    assert not [effect for effect in effects if effect.startswith(f"register {place}")]
    assert not [key for key in app.cloud.state["assets"] if key.startswith(place)]


async def test_an_entry_that_was_exchanged_is_not_approved(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    key, assets = f"central/models/{model}", app.cloud.state["assets"]

    def exchange(effect: str) -> None:
        if effect == f"register {key}":
            assets[key] = replace(assets[key], tags={**assets[key].tags, DIGEST: "sha256:other"})

    app.cloud.after = exchange
    promotion = await app.promote("churn:1")
    await app.approve(promotion)

    result = await app.finish(promotion)

    assert (result.fate, "nothing to approve" in result.because[0]) == (c.Fate.FAILED, True)


def test_a_plan_that_was_approved_for_another_world_is_not_opened(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    promotion = c.Promotion(id="p-1", model=model, source="dev", target="central", plan="sha256:approved")

    opened = open_promotion(app.clients, c.PromotionOpening(key="p-1/opened", execution="e", promotion=promotion))

    assert (opened.plan, opened.because[:43]) == (None, "the world changed since plan sha256:approve")


async def test_the_same_version_with_another_content_is_never_overwritten(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    await app.whole("churn:1")
    app.register("1", error=1.0)
    app.cloud.state["files"]["dev:models/churn/1/model.bin"] = b"other weights"
    before = app.cloud.snapshot()

    result = await app.finish(await app.promote("churn:1"))

    after = app.cloud.snapshot()
    after["assets"]["dev/models/churn:1"] = before["assets"]["dev/models/churn:1"]
    assert (result.fate, "register a new version" in result.because[0]) == (c.Fate.FAILED, True)
    assert after == before


async def test_a_version_that_the_registry_has_with_another_content_is_a_conflict(app: PromotionApp) -> None:
    model = app.register("1", error=1.0)
    there = RegisteredModel(model=model, folder="central:elsewhere", tags={DIGEST: "sha256:other"})
    app.cloud.state["assets"][f"central/models/{model}"] = there
    promotion = await app.promote("churn:1")
    await app.approve(promotion)

    result = await app.finish(promotion)

    assert (result.fate, "is already in central with sha256:other" in result.because[0]) == (c.Fate.FAILED, True)
    assert app.cloud.state["assets"][f"central/models/{model}"] == there


@pytest.mark.parametrize("lock", ["model/churn", "preprod/online"])
async def test_a_lock_that_was_taken_too_late_is_broken(app: PromotionApp, lock: str) -> None:
    app.register("1", error=2.0)
    app.register("2", error=1.0)
    ended = await app.finish(await app.promote("churn:1", to="preprod"))
    late = c.EndpointLock(key="k", endpoint=lock, owner=ended.id, model="churn")
    lock_endpoint(app.clients, late)

    assert (await app.finish(await app.promote("churn:2", to="preprod"))).fate is c.Fate.PROMOTED


async def test_a_resource_lock_is_reported_and_not_retried(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    asked = []

    def locked(effect: str) -> None:
        if effect.startswith("deploy"):
            asked.append(effect)
            raise Refused("deploy: a resource lock forbids it (ScopeLocked); ask a platform engineer")

    app.cloud.before = locked
    result = await app.finish(await app.promote("churn:1"))

    assert (result.fate, "ScopeLocked" in result.because[0], len(asked)) == (c.Fate.FAILED, True, 1)


async def test_what_could_not_be_put_back_is_said_and_the_rest_is(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    before = app.cloud.snapshot()["assets"]
    app.endpoints.invoke = lambda _: EndpointResponse(status=424, body=b"{}", took_ms=1.0)  # type: ignore[method-assign]

    def locked(effect: str) -> None:
        if effect.startswith("undeploy preprod/onlineEndpoints"):
            raise Refused("undeploy: a resource lock forbids it (ScopeLocked); ask a platform engineer")

    app.cloud.before = locked
    result = await app.finish(await app.promote("churn:1", to="preprod"))

    left = "preprod: deploy_online could not be undone, mend it by hand: undeploy: a resource lock forbids it"
    assert [each.startswith(left) for each in result.because] == [False, True]
    assert app.record(result.id)["because"] == list(result.because)
    assert app.cloud.snapshot()["assets"].keys() == before.keys()


async def test_a_script_that_fails_holds_the_model(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    ask = app.endpoints.invoke

    app.endpoints.invoke = lambda request: replace(ask(request), status=424)  # type: ignore[method-assign]
    result = await app.finish(await app.promote("churn:1"))

    assert (result.fate, "answered 424" in result.because[0]) == (c.Fate.FAILED, True)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (1, ("api_test_passed: fail", "golden_requests_match: fail: 1 of 2 answers have another shape, or a NaN")),
        (200, ("predictions of v1-", "1 of 200 rows have none, or none that is finite")),
    ],
)
async def test_an_answer_that_is_no_number_is_counted_and_passes_nothing(
    app: PromotionApp, rows: int, said: tuple[str, ...]
) -> None:
    """A NaN is in no order, so it hides from every largest deviation and every share."""
    model = app.register("1", error=1.0)
    ask, right = app.endpoints.invoke, app.cloud.predict[str(model)]
    lines = [
        {"request": {"input_data": {"columns": ["x"], "data": [[x]]}}, "response": [right({"x": x})]} for x in (7, 8)
    ]
    key = "dev:extras/churn/1/golden/requests.jsonl"
    app.cloud.state["files"][key] = "\n".join(map(json.dumps, lines)).encode()

    def without_some(request: OnlineRequest) -> EndpointResponse:
        answer, asked = ask(request), json.loads(request.body)["input_data"]["data"]
        found = json.loads(answer.body)
        if len(asked) == rows and asked[-1][-1] in (8, 199):
            found[-1] = math.nan
        return replace(answer, body=json.dumps(found).encode())

    app.endpoints.invoke = without_some  # type: ignore[method-assign]
    result = await app.finish(await app.promote("churn:1", to="preprod"))

    assert result.fate is not c.Fate.PROMOTED
    assert all(each in "; ".join(result.because) for each in said), result.because


@pytest.mark.parametrize(
    ("golden", "said"),
    [(b"\n", "or it is empty"), (b'{"request": 1}\n', "request 1 in golden/requests.jsonl of churn:1")],
)
async def test_golden_requests_that_cannot_be_asked_are_refused_at_once(
    app: PromotionApp, golden: bytes, said: str
) -> None:
    app.register("1", error=1.0)
    app.cloud.state["files"]["dev:extras/churn/1/golden/requests.jsonl"] = golden

    result = await app.finish(await app.promote("churn:1", to="preprod"))

    assert (result.fate, said in result.because[0]) == (c.Fate.FAILED, True), result.because


async def test_an_approval_that_was_used_cannot_be_withdrawn(app: PromotionApp) -> None:
    app.register("1", error=1.0)
    promotion = await app.promote("churn:1")
    await app.approve(promotion)
    await app.finish(promotion)

    status, refused = await app.ask("POST", f"promotions/{promotion}/withdraw", {"role": "data-scientist"}, "ada")

    assert (status, "has been used" in refused["detail"]) == (409, True)
