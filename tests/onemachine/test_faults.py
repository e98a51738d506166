"""Every move of a promotion refused by Azure ML before its effect and after it: the local cloud ends as it was.

The cases come from the plan that the app gives, so that a move without one fails here. It takes minutes, and so runs
with `make chaos` (SIGNALBOX_SAGA=1); tests/promotion/test_saga.py asks the same of an Azure ML in memory, always.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from signalbox.cli.demonstrations.example import offer_answers
from signalbox.launcher.cloud import LocalCloud
from signalbox.launcher.endpoints import BLOB_CONTAINER
from signalbox.launcher.hub import hub_client
from tests.onemachine.conftest import PROJECT
from tests.onemachine.test_promotions import MODEL, CloudPromotions
from tests.onemachine.world import World

pytestmark = [
    pytest.mark.onemachine,
    pytest.mark.xdist_group("faults"),
    pytest.mark.filterwarnings("ignore"),  # azure-ai-ml warns of its own schemas while it is imported.
    pytest.mark.skipif(not os.environ.get("SIGNALBOX_SAGA"), reason="takes minutes: set SIGNALBOX_SAGA=1"),
]

ONLINE, BATCH = (f"workspaces/mlw-preprod/{kind}endpoints/[^/]+" for kind in ("online", "batch"))
REQUESTS = {
    "preprod: copy_bundle": "GET .*/workspaces/mlw-preprod/datastores/",
    "preprod: register_model": f"PUT .*/workspaces/mlw-preprod/models/{MODEL}/",
    "preprod: deploy_online": f"(?i)PUT .*/{ONLINE}/deployments/",
    "preprod: deploy_batch": f"(?i)PUT .*/{BATCH}/deployments/",
    "preprod: rehearse_rollback": f"(?i)PUT .*/{ONLINE}$",
    "preprod: switch_traffic": f"(?i)PUT .*/{ONLINE}$",
    "central: publish_entry": f"PUT .*/registries/[^/]+/models/{MODEL}/",
    "central: approve_entry": f"PUT .*/registries/[^/]+/models/{MODEL}/",
}
ASSET = re.compile("/(models|codes|environments)/[^/]+$")
# The same request as the move before it, once more; a rehearsal makes it twice, there and back.
LATER = {"preprod: switch_traffic": 3, "central: approve_entry": 2}


@pytest.fixture(scope="module")
def promotions(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CloudPromotions]:
    """A local cloud of its own, with a champion in pre-production, and a better version in dev."""
    with (
        LocalCloud(PROJECT, tmp_path_factory.mktemp("faults"), time_scale=0.05) as cloud,
        World(cloud, models / "ward") as world,
    ):
        offer_answers(cloud.endpoints, models / "ward")
        made = CloudPromotions(world, models)
        made.offer("1", "ward")
        assert made.ended(made.promote("1", "preprod"))["fate"] == "promoted"
        made.offer("2", "blood")
        yield made


def whole_state(promotions: CloudPromotions) -> dict[str, Any]:
    """Assets, endpoints and deployments, and the files of pre-production.

    A name without a version holds nothing, and stays: deleting it could take a version that was registered meanwhile.
    """
    with hub_client(promotions.world.cloud.endpoints, "stpreprod") as storage:
        files = sorted(storage.get_container_client(BLOB_CONTAINER).list_blob_names())
    state = promotions.state()
    bare = {path for path in state if ASSET.search(path) and not any(each.startswith(f"{path}/") for each in state)}
    return {**{path: body for path, body in state.items() if path not in bare}, "files": files}


def strike(promotions: CloudPromotions, rules: list[dict[str, Any]]) -> None:
    address = f"{promotions.world.cloud.endpoints.resource_manager}/_faults"
    trust = str(promotions.world.cloud.endpoints.ca)
    requests.post(address, json={"rules": rules}, verify=trust, timeout=30).raise_for_status()


def test_every_move_of_the_plan_has_its_request(promotions: CloudPromotions) -> None:
    plan = promotions.world.app.post("plans", {"model": f"{MODEL}:2", "to": "central"})

    assert plan["writes"] == list(REQUESTS)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("move", REQUESTS)
def test_a_refusal_at_any_move_leaves_the_cloud_as_it_was(promotions: CloudPromotions, move: str, when: str) -> None:
    before = whole_state(promotions)
    strike(promotions, [{"match": REQUESTS[move], "nth": LATER.get(move, 1), "when": when, "status": 403}])

    promotion = promotions.promote("2", "central")
    if move.startswith("central"):
        promotions.approve(promotion)
    shown = promotions.ended(promotion)
    strike(promotions, [])

    assert (shown["fate"], "403" in shown["because"][0]) == ("failed", True), shown["because"]
    assert whole_state(promotions) == before
