"""Promotions on one machine: the real adapters against the local Azure ML, with kills and locks."""

import os
import shutil
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.devops import release_from_here, subscribe
from signalbox.cli.demonstrations.example import offer_answers, offer_example
from signalbox.cli.demonstrations.promotion import climb, hold_back, verify_audit
from signalbox.cli.demonstrations.stage import Stage
from signalbox.launcher.people import sign_in
from signalbox.launcher.provision import Candidate, offer
from tests.amounts import sample
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

MODEL = "diabetes-progression"
# `make chaos` kills the host at every move, and `make proofs` at one of each kind.
WHOLE = bool(os.environ.get("SIGNALBOX_SAGA"))
KILLED_AT = sample(("register_model", "switch_traffic", "rehearse_rollback", "publish_entry"), 2)
DECIDERS = (("ada@example.org", "data-scientist"), ("grace@example.org", "product-owner"))


class CloudPromotions:
    """What the tests of promotions do to the local cloud."""

    def __init__(self, world: World, models: Path) -> None:
        self.world, self.models = world, models

    def offer(self, version: str, recipe: str) -> None:
        offer_example(self.world.cloud.endpoints, self.models / recipe, version)

    def promote(self, version: str, target: str, person: str = "linus@example.org") -> str:
        body = {"model": f"{MODEL}:{version}", "to": target, "reason": "to be proven"}
        return str(self.as_(person).post("promotions", body)["id"])

    def as_(self, person: str) -> AppClient:
        ends = self.world.cloud.endpoints
        return AppClient(ends.app, ends.function_key, sign_in(ends, person))

    def show(self, promotion: str) -> dict[str, Any]:
        return dict(self.world.app.get(f"promotions/{promotion}"))

    def ended(self, promotion: str) -> dict[str, Any]:
        def fate() -> dict[str, Any] | None:
            shown = self.show(promotion)
            return shown if shown.get("fate") else None

        return dict(self.world.eventually(fate, within=180.0))

    def approve(self, promotion: str) -> None:
        shown = self.world.eventually(lambda: self._asked(promotion))
        for person, role in DECIDERS:
            body = {"role": role, "evidence": shown["digest"], "reason": "seen"}
            self.as_(person).post(f"promotions/{promotion}/approve", body)

    def state(self) -> dict[str, Any]:
        """All assets, endpoints and deployments; the source's own tags may say why something was held."""
        found = self._control("GET", "/_control/state")
        return {path: body for path, body in found.items() if "/workspaces/mlw-dev/" not in path}

    def lock(self, scope: str, method: str = "PUT") -> None:
        self._control(method, "/_control/locks", {"scope": scope})

    def _asked(self, promotion: str) -> dict[str, Any] | None:
        found = [each for each in self.show(promotion)["evidence"] if each["stage"] == "central"]
        return found[0] if found else None

    def _control(self, method: str, path: str, body: Any = None) -> Any:
        address, trust = self.world.cloud.control(path, "azureml"), str(self.world.cloud.endpoints.ca)
        answer = requests.request(method, address, json=body, verify=trust, timeout=30)
        answer.raise_for_status()
        return answer.json()


class KillingClient(AppClient):
    """The app as a scene sees it. Its host is killed when a promotion is seen at a move for the first time."""

    def __init__(self, world: World) -> None:
        super().__init__(world.cloud.endpoints.app, world.cloud.endpoints.function_key)
        self._cloud = world.cloud
        self.killed: list[tuple[str, str]] = []

    def get(self, path: str, /, **params: str) -> Any:
        shown = super().get(path, **params)
        while path.startswith("promotions/") and not shown.get("fate"):
            doing = shown.get("doing") or {}
            move = (str(doing.get("stage")), str(doing.get("move")))
            if doing.get("step") != "moving":
                break
            if move not in self.killed and (WHOLE or move[1] in KILLED_AT):
                self.killed.append(move)
                self._cloud.kill_host()
                self._cloud.start_host()
            threading.Event().wait(0.05)  # Soon: a move may take less than the scene's next look.
            shown = super().get(path, **params)
        return shown


@pytest.fixture(scope="module")
def promotions(world: World, models: Path, stage: Stage) -> CloudPromotions:
    """With a champion, which a pipeline of Azure DevOps promoted: the short form of `make demo-devops`."""
    offer_answers(world.cloud.endpoints, models / "ward")
    subscribe(stage)
    release_from_here(stage, "10")
    return CloudPromotions(world, models)


def test_the_pipeline_of_the_story_was_released_once_its_model_was_in_the_registry(promotions: CloudPromotions) -> None:
    (row,) = promotions.world.app.get("promotions", model=MODEL)["promotions"]
    entries = [path for path in promotions.state() if path.endswith(f"/mlr-central/models/{MODEL}/versions/10")]

    assert (row["version"], row["target"], row["fate"]) == ("10", "central", "promoted")
    assert len(entries) == 1


@pytest.mark.long
def test_a_host_killed_at_its_moves_still_promotes_with_every_effect_once(
    promotions: CloudPromotions, stage: Stage
) -> None:
    """The climb of `make demo`, to the registry's entry that it looks at in the end."""
    app = KillingClient(promotions.world)

    shown = climb(replace(stage, app=app), "11", promotions.models / "blood")

    assert (shown["fate"], shown["because"]) == ("promoted", [f"{MODEL}:11 reached central"])
    assert len(app.killed) >= (4 if WHOLE else len(KILLED_AT) // 2), app.killed  # A short move may not be seen.
    effects = promotions.world.control("/_effects")
    made = {name: count for name, count in effects["assets"].items() if "/11" in name and "mlw-dev" not in name}
    assert len(made) == 6, made
    assert set(made.values()) == {1}
    assert all(count == 1 for name, count in effects["deployments"].items() if "v11-" in name)
    verify_audit(stage)


def test_a_worse_model_is_held_and_everything_is_put_back(promotions: CloudPromotions, stage: Stage) -> None:
    before = promotions.state()

    shown = hold_back(stage, "12", promotions.models / "stiff")

    assert (shown["fate"], "better_than_champion: fail" in shown["because"][0]) == ("held", True)
    assert promotions.state() == before


def test_a_resource_lock_is_reported_and_everything_is_put_back(promotions: CloudPromotions) -> None:
    promotions.offer("13", "blood")
    before = promotions.state()
    endpoint = next(path for path in before if path.endswith("/onlineendpoints/diabetes-online-preprod"))
    promotions.lock(endpoint)
    try:
        shown = promotions.ended(promotions.promote("13", "preprod"))
    finally:
        promotions.lock(endpoint, "DELETE")

    assert (shown["fate"], "a resource lock forbids it" in shown["because"][0]) == ("failed", True)
    assert promotions.state() == before


@pytest.mark.proof
@pytest.mark.filterwarnings("ignore")  # mlflow warns of its own future while it is imported.
def test_an_mlflow_model_needs_no_code_of_its_own(promotions: CloudPromotions, tmp_path: Path) -> None:
    import joblib
    import mlflow.sklearn

    trained = promotions.models / "blood"
    model = joblib.load(trained / "model" / "model.joblib")
    mlflow.sklearn.save_model(model, str(tmp_path / "mlflow"), serialization_format="cloudpickle")
    extras = tmp_path / "golden-only"
    shutil.copytree(trained / "extras" / "golden", extras / "golden")
    candidate = Candidate(
        model=MODEL,
        version="20",
        model_path=tmp_path / "mlflow",
        extras_path=extras,
        model_type="mlflow_model",
    )
    offer(promotions.world.cloud.endpoints, candidate)

    shown = promotions.ended(promotions.promote("20", "preprod"))

    effects = promotions.world.control("/_effects")["deployments"]
    assert [count for name, count in effects.items() if "/v20-" in name] == [1, 1]
    if shown["fate"] != "promoted":  # It equals the champion of the tests before, and so is no better.
        assert [each.partition(" (exit): ")[2].partition(": mae")[0] for each in shown["because"]] == [
            "better_than_champion: inconclusive: overall"
        ]


def test_an_unverified_person_decides_nothing(promotions: CloudPromotions) -> None:
    ends = promotions.world.cloud.endpoints
    forged = AppClient(ends.app, ends.function_key, "eyJhbGciOiJub25lIn0.eyJvaWQiOiJtZSJ9.")

    with pytest.raises(Exception, match="the token is"):
        forged.post("promotions", {"model": f"{MODEL}:11", "to": "central", "reason": "because I can"})
