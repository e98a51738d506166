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
from tests.promotion.conftest import DEV, PromotionApp
from tests.promotion.test_receipts import keep_plan, shown

DATA = "signalbox-staging/training-sets/churn/more.csv"


async def promoted(app: PromotionApp, model: str = "churn:1") -> c.PromotionResult:
    return await app.finish(await app.promote(model, to="dev"))


async def test_a_version_is_trained_in_dev_and_registered_with_its_lineage(app: PromotionApp) -> None:
    source = app.experiment("1")

    result = await promoted(app)

    assert (result.fate, result.reached) == (c.Fate.PROMOTED, "dev")
    (run,) = app.pipelines.asked.values()
    assert run.parameters == {"alpha": "0.5", "depth": "3"}
    assert run.data["data"] == "azureml://datastores/hub_staging/paths/training-sets/churn"
    carried = app.clients.bundles.read(
        Shelf(place=DEV, folder=f"{run.data['candidate']}/model", asset=source), "model.bin"
    )
    assert carried == b"weights churn 1"
    made = app.clients.models.find(DEV, source)
    assert made is not None
    assert made.folder.endswith(f"{run.output}/model")
    planned = plan_promotion_digest(app, source)
    assert made.tags[DIGEST] != planned
    assert made.tags["signalbox.training"] == "train-1"
    assert made.tags["signalbox.source"] == f"experiment/churn:1 ({planned})"
    assert made.tags["signalbox.data"] == "data=signalbox-staging/training-sets/churn"
    assert made.tags["azureml.git.commit"] == "0123abc"
    assert made.tags["signalbox.metric.training.mae"] == "0.5", "what metrics.json says counts here as in retraining"
    assert "trained" in app.chain()


def plan_promotion_digest(app: PromotionApp, model: ModelVersion) -> str:
    """The bundle's digest in experimentation: read as a plan would read it."""
    app.cloud.state["assets"].pop(f"dev/models/{model}")
    return plan_promotion(app.clients, model, "experiment", "dev").digest


async def test_the_plan_shows_the_training_and_changes_with_what_it_is_trained_on(app: PromotionApp) -> None:
    app.experiment("1")
    asked = {"model": "churn:1", "to": "dev"}

    _, plan = await app.ask("POST", "plans", asked, "linus")
    app.hub.land(DATA, b"id,x,y\n4,5,6\n")
    status, refused = await app.ask(
        "POST", "promotions", asked | {"plan": plan["plan"], "reason": "as planned"}, "linus"
    )
    result = await app.finish(refused["promotion"]) if status == 202 else None

    assert plan["writes"][:3] == ["dev: copy_bundle", "dev: train_model", "dev: register_model"]
    assert plan["plan"]["stages"][0]["training"]["rules"]["parameters"] == {"alpha": "0.5", "depth": "3"}
    said = json.dumps(refused) if result is None else result.because[0]
    assert "training.data.0.digest" in said
    assert not app.cloud.effects


@pytest.mark.parametrize("when", ["before it starts", "while it trains"])
async def test_data_that_change_are_not_trained_on(app: PromotionApp, when: str) -> None:
    app.experiment("1")
    before = app.cloud.snapshot()

    def change(effect: str) -> None:
        if effect.startswith("copy dev" if when == "before it starts" else "train dev"):
            app.hub.land(DATA, b"id,x,y\n4,5,6\n")

    app.cloud.after = change
    result = await promoted(app)

    assert (result.fate, "training data 'data'" in result.because[0]) == (c.Fate.FAILED, True)
    assert bool(app.pipelines.runs) == (when == "while it trains")
    assert unchanged(app, before)


@pytest.mark.parametrize("storage", [("stlab", "signalbox-staging"), ("datahub", "ward-lab")])
async def test_nothing_is_trained_where_a_datastore_leads_elsewhere(
    app: PromotionApp, storage: tuple[str, str]
) -> None:
    """Its name says nothing: the job would read other files than those that people have approved."""
    app.experiment("1")
    before = app.cloud.snapshot()
    app.clients.data_assets.storages["hub_staging"] = storage  # type: ignore[attr-defined]

    result = await promoted(app)

    assert (
        result.fate,
        f"datastore hub_staging of training data 'data' is {'/'.join(storage)}" in result.because[0],
    ) == (
        c.Fate.FAILED,
        True,
    )
    assert (app.pipelines.runs, unchanged(app, before)) == ({}, True)


async def test_a_run_that_goes_on_too_long_is_cancelled_with_the_reason_on_it(app: PromotionApp) -> None:
    app.experiment("1")
    before = app.cloud.snapshot()
    app.pipelines.status_after = lambda looks: "Running"

    result = await promoted(app)

    assert (result.fate, "train_model was not done after 300 s" in result.because[0]) == (c.Fate.FAILED, True)
    assert [run.status for run in app.pipelines.runs.values()] == ["Canceled"]
    assert "was not done after 300 s" in app.pipelines.tags["train-1"]["signalbox.because"]
    assert unchanged(app, before)


async def test_a_run_that_is_ended_from_outside_is_cancelled_too(app: PromotionApp) -> None:
    app.experiment("1")
    before = app.cloud.snapshot()
    app.pipelines.status_after = lambda looks: "Running"
    promotion = await app.promote("churn:1", to="dev")
    await app.until(lambda: bool(app.pipelines.runs))

    await app.host.terminate(promotion, "somebody pulled the plug")
    await app.sweep()

    assert "ended from outside" in app.pipelines.cancelled["train-1"]
    assert app.record(promotion)["fate"] == "failed"
    assert unchanged(app, before)


async def test_a_failed_run_and_an_incomplete_bundle_go_no_further(app: PromotionApp) -> None:
    for version in ("1", "2"):
        app.experiment(version)
    app.pipelines.status_after = lambda looks: "Failed"
    failed = await promoted(app)
    app.pipelines.status_after = lambda looks: "Completed"
    app.pipelines.during = lambda run: drop_golden(app)
    incomplete = await promoted(app, "churn:2")

    assert "ended as Failed" in failed.because[0]
    assert "lacks golden requests" in incomplete.because[0]
    assert app.clients.models.find(DEV, ModelVersion(name="churn", version="2")) is None


async def test_a_lineage_that_is_not_json_is_refused_and_not_tried_again(app: PromotionApp) -> None:
    app.experiment("1")
    before = app.cloud.snapshot()
    app.pipelines.during = lambda run: overwrite(app, "lineage.json", b"{code")

    result = await promoted(app)

    assert (result.fate, "the pipeline's lineage.json is not JSON" in result.because[0]) == (c.Fate.FAILED, True)
    assert app.pipelines.looks["train-1"] < 6, "a refusal is not repeated"
    assert unchanged(app, before)


async def test_what_answers_otherwise_than_it_was_trained_to_is_held(app: PromotionApp) -> None:
    app.experiment("1")
    before = app.cloud.snapshot()
    app.cloud.after = lambda effect: spoil(app) if effect.startswith("train dev") else None

    result = await promoted(app)

    assert (result.fate, "golden_requests_match: fail" in result.because[0]) == (c.Fate.HELD, True)
    assert unchanged(app, before)


async def test_a_flag_for_a_higher_stage_leads_on_from_what_was_trained(app: PromotionApp) -> None:
    model = app.experiment("1", **{FLAG: "churn:1 -> preprod"})

    await app.sweep()
    await app.pass_time(timedelta(minutes=10))

    made = app.clients.models.find(DEV, model)
    assert made is not None
    assert made.tags[FLAG] == f"churn:1 -> preprod ({made.tags[DIGEST]})"
    await app.sweep()
    await app.pass_time(timedelta(minutes=10))
    _, found = await app.ask("GET", "promotions")
    assert sorted((each["target"], each["fate"]) for each in found["promotions"]) == [
        ("dev", "promoted"),
        ("preprod", "promoted"),
    ]


async def test_the_receipt_of_the_way_out_is_for_what_was_trained(app: PromotionApp) -> None:
    """The experiment's bundle was never measured in dev: a receipt for it opens no traffic there."""
    app.experiment("1")
    model = ModelVersion(name="churn", version="1")
    plan = plan_promotion(app.clients, model, "experiment", "dev")
    promotion = c.Promotion(id="p-1", model=model, source="experiment", target="dev")
    keep_plan(app, plan)

    def passing(phase: Phase) -> c.StageOrder:
        key, digest = f"promotions/p-1/effects/dev/{phase.value}/receipt", plan_digest(plan)
        tested = ApiTest(statuses={"200": 1}, golden=GoldenDeviation(requests=1, deviating=0, largest=0, tolerance=1))
        order = c.StageOrder(key=key, promotion=promotion, plan=plan, plan_digest=digest, stage="dev", phase=phase)
        return shown(app, order, Evidence(api_test=tested))

    entry = issue_receipt(app.clients, passing(Phase.ENTRY))
    for move in plan.stages[0].moves(Phase.ENTRY):
        made = c.MoveOrder(
            key=f"promotions/p-1/effects/dev/{move.value}",
            promotion=promotion,
            plan=plan,
            stage="dev",
            move=move,
            receipt=entry,
        )
        while make_move(app.clients, made).waiting:
            continue
    leaving = issue_receipt(app.clients, passing(Phase.EXIT))

    trained = app.clients.models.find(DEV, model)
    assert trained is not None
    assert (entry.digest, leaving.digest) == (plan.digest, trained.tags[DIGEST])


@pytest.mark.parametrize(
    ("tags", "said"),
    [
        ({"signalbox.recipe.depth": ""}, "has no tag signalbox.recipe.depth"),
        ({"signalbox.recipe.alpha": "9"}, "says what versions may not; they may say depth"),
    ],
)
def test_a_recipe_says_what_it_must_and_nothing_else(app: PromotionApp, tags: dict[str, str], said: str) -> None:
    wanted = {name: value for name, value in tags.items() if value}
    model = app.experiment("1", **wanted)
    registered = app.cloud.state["assets"][f"experiment/models/{model}"]
    for name in tags.keys() - wanted.keys():
        registered.tags.pop(name)

    with pytest.raises(Refused, match=said):
        plan_promotion(app.clients, model, "experiment", "dev")


def test_what_is_there_already_is_not_trained_again_and_nothing_leads_past(app: PromotionApp) -> None:
    model = app.experiment("1")
    with pytest.raises(Refused, match="'preprod' is beyond 'dev', which trains a bundle of its own"):
        plan_promotion(app.clients, model, "experiment", "preprod")
    app.register("1", error=1.0)
    with pytest.raises(Refused, match="already registered in dev"):
        plan_promotion(app.clients, model, "experiment", "dev")


def unchanged(app: PromotionApp, before: dict[str, dict[str, object]]) -> bool:
    """All but the tag that says on the experiment why it was put back."""
    after = app.cloud.snapshot()
    after["assets"]["experiment/models/churn:1"] = before["assets"]["experiment/models/churn:1"]
    return after == before


def spoil(app: PromotionApp) -> None:
    right = app.cloud.predict["churn:1"]
    app.cloud.predict["churn:1"] = lambda row: right(row) + 1.0


def drop_golden(app: PromotionApp) -> None:
    files = app.cloud.state["files"]
    for path in [path for path in files if "/output/extras/golden/" in path]:
        del files[path]


def overwrite(app: PromotionApp, name: str, content: bytes) -> None:
    """Put *content* in place of the file *name* that the pipeline wrote."""
    (blob,) = [blob for blob in app.hub.list("signalbox-staging", "") if blob.path.endswith(f"/{name}")]
    app.hub.replace("signalbox-staging", blob.path, content, blob.etag, {})
