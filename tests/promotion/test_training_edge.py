"""From experimentation to dev: a version is trained there, answers a smoke inference, and only then counts as there."""

import json
from datetime import timedelta

import pytest

from activities.promotion.moves import make_move
from activities.promotion.receipts import issue_receipt
from shared import contracts as c
from shared.application.promotion.planning import plan_digest, plan_promotion
from shared.domain.failures import Refused
from shared.domain.gates.evidence import ApiTest, Evidence, GoldenDeviation
from shared.domain.promotion.models import DIGEST, FLAG, ModelVersion
from shared.domain.promotion.plans import Phase
from shared.ports import Shelf
from tests.promotion.conftest import DEV, Railway
from tests.promotion.test_receipts import shown

DATA = "signalbox-staging/training-sets/churn/more.csv"


async def promoted(railway: Railway, model: str = "churn:1") -> c.PromotionResult:
    return await railway.finish(await railway.promote(model, to="dev"))


async def test_a_version_is_trained_in_dev_and_registered_with_its_lineage(railway: Railway) -> None:
    source = railway.experiment("1")

    result = await promoted(railway)

    assert (result.fate, result.reached) == (c.Fate.PROMOTED, "dev")
    (run,) = railway.pipelines.asked.values()
    assert run.parameters == {"alpha": "0.5", "depth": "3"}
    assert run.data["data"] == "azureml://datastores/hub_staging/paths/training-sets/churn"
    carried = railway.clients.bundles.read(
        Shelf(place=DEV, folder=f"{run.data['candidate']}/model", asset=source), "model.bin"
    )
    assert carried == b"weights churn 1"
    made = railway.clients.models.find(DEV, source)
    assert made is not None
    assert made.folder.endswith(f"{run.output}/model")
    planned = plan_promotion_digest(railway, source)
    assert made.tags[DIGEST] != planned
    assert made.tags["signalbox.training"] == "train-1"
    assert made.tags["signalbox.source"] == f"experiment/churn:1 ({planned})"
    assert made.tags["signalbox.data"] == "data=signalbox-staging/training-sets/churn"
    assert made.tags["azureml.git.commit"] == "0123abc"
    assert "trained" in railway.chain()


def plan_promotion_digest(railway: Railway, model: ModelVersion) -> str:
    """The bundle's digest in experimentation: read as a plan would read it."""
    railway.cloud.state["assets"].pop(f"dev/models/{model}")
    return plan_promotion(railway.clients, model, "experiment", "dev").digest


async def test_the_plan_shows_the_training_and_changes_with_what_it_is_trained_on(railway: Railway) -> None:
    railway.experiment("1")
    asked = {"model": "churn:1", "to": "dev"}

    _, plan = await railway.ask("POST", "plans", asked, "linus")
    railway.hub.land(DATA, b"id,x,y\n4,5,6\n")
    status, refused = await railway.ask(
        "POST", "promotions", asked | {"plan": plan["plan"], "reason": "as planned"}, "linus"
    )
    result = await railway.finish(refused["promotion"]) if status == 202 else None

    assert plan["writes"][:3] == ["dev: copy_bundle", "dev: train_model", "dev: register_model"]
    assert plan["plan"]["stages"][0]["training"]["rules"]["parameters"] == {"alpha": "0.5", "depth": "3"}
    said = json.dumps(refused) if result is None else result.because[0]
    assert "training.data.0.digest" in said
    assert not railway.cloud.effects


@pytest.mark.parametrize("when", ["before it starts", "while it trains"])
async def test_data_that_change_are_not_trained_on(railway: Railway, when: str) -> None:
    railway.experiment("1")
    before = railway.cloud.snapshot()

    def change(effect: str) -> None:
        if effect.startswith("copy dev" if when == "before it starts" else "train dev"):
            railway.hub.land(DATA, b"id,x,y\n4,5,6\n")

    railway.cloud.after = change
    result = await promoted(railway)

    assert (result.fate, "training data 'data'" in result.because[0]) == (c.Fate.FAILED, True)
    assert bool(railway.pipelines.runs) == (when == "while it trains")
    assert unchanged(railway, before)


async def test_a_run_that_goes_on_too_long_is_cancelled_with_the_reason_on_it(railway: Railway) -> None:
    railway.experiment("1")
    before = railway.cloud.snapshot()
    railway.pipelines.status_after = lambda looks: "Running"

    result = await promoted(railway)

    assert (result.fate, "train_model was not done after 300 s" in result.because[0]) == (c.Fate.FAILED, True)
    assert [run.status for run in railway.pipelines.runs.values()] == ["Canceled"]
    assert "was not done after 300 s" in railway.pipelines.tags["train-1"]["signalbox.because"]
    assert unchanged(railway, before)


async def test_a_run_that_is_ended_from_outside_is_cancelled_too(railway: Railway) -> None:
    railway.experiment("1")
    before = railway.cloud.snapshot()
    railway.pipelines.status_after = lambda looks: "Running"
    promotion = await railway.promote("churn:1", to="dev")
    await railway.until(lambda: bool(railway.pipelines.runs))

    await railway.host.terminate(promotion, "somebody pulled the plug")
    await railway.sweep()

    assert "ended from outside" in railway.pipelines.cancelled["train-1"]
    assert railway.record(promotion)["fate"] == "failed"
    assert unchanged(railway, before)


async def test_a_failed_run_and_an_incomplete_bundle_go_no_further(railway: Railway) -> None:
    for version in ("1", "2"):
        railway.experiment(version)
    railway.pipelines.status_after = lambda looks: "Failed"
    failed = await promoted(railway)
    railway.pipelines.status_after = lambda looks: "Completed"
    railway.pipelines.during = lambda run: drop_golden(railway)
    incomplete = await promoted(railway, "churn:2")

    assert "ended as Failed" in failed.because[0]
    assert "lacks golden requests" in incomplete.because[0]
    assert railway.clients.models.find(DEV, ModelVersion(name="churn", version="2")) is None


async def test_what_answers_otherwise_than_it_was_trained_to_is_held(railway: Railway) -> None:
    railway.experiment("1")
    before = railway.cloud.snapshot()
    railway.cloud.after = lambda effect: spoil(railway) if effect.startswith("train dev") else None

    result = await promoted(railway)

    assert (result.fate, "golden_requests_match: fail" in result.because[0]) == (c.Fate.HELD, True)
    assert unchanged(railway, before)


async def test_a_flag_for_a_higher_stage_leads_on_from_what_was_trained(railway: Railway) -> None:
    model = railway.experiment("1", **{FLAG: "churn:1 -> preprod"})

    await railway.sweep()
    await railway.pass_time(timedelta(minutes=10))

    made = railway.clients.models.find(DEV, model)
    assert made is not None
    assert made.tags[FLAG] == f"churn:1 -> preprod ({made.tags[DIGEST]})"
    await railway.sweep()
    await railway.pass_time(timedelta(minutes=10))
    _, found = await railway.ask("GET", "promotions")
    assert sorted((each["target"], each["fate"]) for each in found["promotions"]) == [
        ("dev", "promoted"),
        ("preprod", "promoted"),
    ]


async def test_the_receipt_of_the_way_out_is_for_what_was_trained(railway: Railway) -> None:
    """The experiment's bundle was never measured in dev: a receipt for it opens no traffic there."""
    railway.experiment("1")
    model = ModelVersion(name="churn", version="1")
    plan = plan_promotion(railway.clients, model, "experiment", "dev")
    promotion = c.Promotion(id="p-1", model=model, source="experiment", target="dev")

    def passing(phase: Phase) -> c.StageOrder:
        key, digest = f"promotions/p-1/effects/dev/{phase.value}/receipt", plan_digest(plan)
        tested = ApiTest(statuses={"200": 1}, golden=GoldenDeviation(requests=1, deviating=0, largest=0, tolerance=1))
        order = c.StageOrder(key=key, promotion=promotion, plan=plan, plan_digest=digest, stage="dev", phase=phase)
        return shown(railway, order, Evidence(api_test=tested))

    entry = issue_receipt(railway.clients, passing(Phase.ENTRY))
    for move in plan.stages[0].moves(Phase.ENTRY):
        made = c.MoveOrder(
            key=f"promotions/p-1/effects/dev/{move.value}",
            promotion=promotion,
            plan=plan,
            stage="dev",
            move=move,
            receipt=entry,
        )
        while make_move(railway.clients, made).waiting:
            continue
    leaving = issue_receipt(railway.clients, passing(Phase.EXIT))

    trained = railway.clients.models.find(DEV, model)
    assert trained is not None
    assert (entry.digest, leaving.digest) == (plan.digest, trained.tags[DIGEST])


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"signalbox.recipe.depth": ""}, "has no tag signalbox.recipe.depth"),
        ({"signalbox.recipe.alpha": "9"}, "says what versions may not; they may say depth"),
    ],
)
def test_a_recipe_says_what_it_must_and_nothing_else(railway: Railway, tags: dict[str, str], said: str) -> None:
    wanted = {name: value for name, value in tags.items() if value}
    model = railway.experiment("1", **wanted)
    registered = railway.cloud.state["assets"][f"experiment/models/{model}"]
    for name in tags.keys() - wanted.keys():
        registered.tags.pop(name)

    with pytest.raises(Refused, match=said):
        plan_promotion(railway.clients, model, "experiment", "dev")


def test_what_is_there_already_is_not_trained_again_and_nothing_leads_past(railway: Railway) -> None:
    model = railway.experiment("1")
    with pytest.raises(Refused, match="'preprod' is beyond 'dev', which trains a bundle of its own"):
        plan_promotion(railway.clients, model, "experiment", "preprod")
    railway.register("1", error=1.0)
    with pytest.raises(Refused, match="already registered in dev"):
        plan_promotion(railway.clients, model, "experiment", "dev")


def unchanged(railway: Railway, before: dict[str, dict[str, object]]) -> bool:
    """All but the tag that says on the experiment why it was put back."""
    after = railway.cloud.snapshot()
    after["assets"]["experiment/models/churn:1"] = before["assets"]["experiment/models/churn:1"]
    return after == before


def spoil(railway: Railway) -> None:
    right = railway.cloud.predict["churn:1"]
    railway.cloud.predict["churn:1"] = lambda row: right(row) + 1.0


def drop_golden(railway: Railway) -> None:
    files = railway.cloud.state["files"]
    for path in [path for path in files if "/output/extras/golden/" in path]:
        del files[path]
