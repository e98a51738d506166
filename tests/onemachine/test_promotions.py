"""Promotions on one machine: the real adapters against the local Azure ML, with kills and locks."""

import os
import shutil
from pathlib import Path
from typing import Any

import joblib
import pytest
import requests

from signalbox.cli.app_client import AppClient
from signalbox.cli.demonstrations.example import offer_answers, offer_example, train_example
from signalbox.launcher.people import sign_in
from signalbox.launcher.provision import Candidate, offer
from tests.onemachine.conftest import PROJECT
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

MODEL = "diabetes-progression"
# `make chaos` kills the host at every move; each run of the tests at one of each kind.
WHOLE = bool(os.environ.get("SIGNALBOX_SAGA"))
KILLED_AT = {"register_model", "switch_traffic", "publish_entry"}
DECIDERS = (("ada@example.org", "data-scientist"), ("grace@example.org", "product-owner"))


class CloudPromotions:
    """What the tests of promotions do to the local cloud."""

    def __init__(self, world: World, folders: dict[str, Path]) -> None:
        self.world, self._folders = world, folders

    def offer(self, version: str, recipe: str, flag: str = "") -> None:
        offer_example(self.world.cloud.endpoints, self._folders[recipe], version, flag)

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


@pytest.fixture(scope="module")
def promotions(world: World, example: Path, tmp_path_factory: pytest.TempPathFactory) -> CloudPromotions:
    """With a champion in pre-production."""
    folders = {"ward": example}
    for recipe in ("blood", "stiff"):
        folders[recipe] = tmp_path_factory.mktemp(recipe)
        train_example(PROJECT, folders[recipe], recipe)
    offer_answers(world.cloud.endpoints, example)
    made = CloudPromotions(world, folders)
    made.offer("10", "ward")
    assert made.ended(made.promote("10", "preprod"))["fate"] == "promoted"
    return made


def test_a_host_killed_at_its_moves_still_promotes_with_every_effect_once(promotions: CloudPromotions) -> None:
    promotions.offer("11", "blood")
    promotion = promotions.promote("11", "central")
    killed: list[tuple[str, str]] = []
    approved = False
    while not (shown := promotions.world.eventually(lambda: promotions.show(promotion), within=60.0)).get("fate"):
        doing = shown["doing"]
        at = (str(doing.get("stage")), str(doing.get("move")))
        if doing.get("step") == "moving" and at not in killed and (WHOLE or at[1] in KILLED_AT):
            killed.append(at)
            promotions.world.cloud.kill_host()
            promotions.world.cloud.start_host()
        if doing.get("step") == "waiting for approval" and not approved:
            approved = True
            promotions.approve(promotion)

    assert (shown["fate"], shown["because"]) == ("promoted", [f"{MODEL}:11 reached central"])
    assert len(killed) >= (4 if WHOLE else 2), killed
    effects = promotions.world.control("/_effects")
    made = {name: count for name, count in effects["assets"].items() if "/11" in name and "mlw-dev" not in name}
    assert len(made) == 5, made
    assert set(made.values()) == {1}
    assert all(count == 1 for name, count in effects["deployments"].items() if "v11-" in name)
    assert promotions.world.app.get("audit")["whole"]


def test_a_worse_model_is_held_and_everything_is_put_back(promotions: CloudPromotions) -> None:
    before = promotions.state()
    promotions.offer("12", "stiff", flag=f"{MODEL}:12 -> central")

    def of_version_12() -> list[dict[str, Any]]:
        rows = promotions.world.app.get("promotions", model=MODEL)["promotions"]
        return [row for row in rows if row["version"] == "12"]

    rows = promotions.world.eventually(of_version_12)
    shown = promotions.ended(rows[0]["promotion"])

    assert (shown["fate"], "better_than_champion: fail" in shown["because"][0]) == ("held", True)
    assert promotions.state() == before


def test_a_resource_lock_is_reported_and_everything_is_put_back(promotions: CloudPromotions) -> None:
    promotions.offer("13", "blood")
    before = promotions.state()
    endpoint = next(path for path in before if path.endswith("/onlineendpoints/diabetes-online"))
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
    import mlflow.sklearn

    train_example(PROJECT, tmp_path, "blood")
    model = joblib.load(tmp_path / "model" / "model.joblib")
    mlflow.sklearn.save_model(model, str(tmp_path / "mlflow"), serialization_format="cloudpickle")
    extras = tmp_path / "golden-only"
    shutil.copytree(tmp_path / "extras" / "golden", extras / "golden")
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
