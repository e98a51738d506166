"""What the doors that only tell have to say: models and their versions, the configuration, and that the app lives."""

from typing import Any

from tests.http_api.conftest import ask
from tests.inference.conftest import InferenceApp
from tests.promotion.conftest import PromotionApp
from tests.promotion.conftest import app as promotion_app  # noqa: F401 (a fixture)


async def test_models_are_told_with_their_versions_wherever_they_are(
    promotion_app: PromotionApp,  # noqa: F811
) -> None:
    for version in ("1", "2"):
        promotion_app.register(version, error=0.1)
    await promotion_app.whole("churn:1")

    status, listed = await promotion_app.ask("GET", "models")
    shown, churn = await promotion_app.ask("GET", "models/churn")
    empty, fraud = await promotion_app.ask("GET", "models/fraud")
    missing, problem = await promotion_app.ask("GET", "models/none")

    owners = [{"name": name, "owner": "", "contract": "c"} for name in ("churn", "fraud")]
    assert (status, listed) == (200, {"models": owners})
    there = [(each["place"], each["version"], each["kind"]) for each in churn["versions"]]
    assert (shown, churn["name"]) == (200, "churn")
    assert there == [
        (place, version, "custom_model") for place, version in (("dev", "1"), ("dev", "2"), ("preprod", "1"))
    ] + [("registry", "1", "custom_model")]
    approved = churn["versions"][-1]["tags"]
    assert approved["signalbox.state"] == "approved"
    assert approved["signalbox.digest"] == churn["versions"][2]["tags"]["signalbox.digest"]
    assert (empty, fraud["versions"]) == (200, [])
    assert (missing, problem["title"]) == (404, "no such model")
    assert "churn, fraud" in problem["detail"]


async def test_the_ladder_and_who_may_do_what_are_told_as_they_are_configured(
    promotion_app: PromotionApp,  # noqa: F811
) -> None:
    status, told = await promotion_app.ask("GET", "configuration")
    configured = promotion_app.clients.configuration

    assert status == 200
    assert told["staging"] == configured.hub.staging
    assert [each["name"] for each in told["environments"]] == ["experiment", "dev", "preprod"]
    stages = [(each["name"], each["source"], each["environment"] or each["registry"]) for each in told["ladder"]]
    assert [(name, source, place["name"]) for name, source, place in stages] == [
        ("dev", "experiment", "dev"),
        ("preprod", "dev", "preprod"),
        ("central", "preprod", "central"),
    ]
    gates = [each["gate"] for stage in told["ladder"] for each in (*stage["entry_gates"], *stage["exit_gates"])]
    assert gates == [
        each.gate for stage in configured.ladder.stages for each in (*stage.entry_gates, *stage.exit_gates)
    ]
    assert [role["name"] for role in told["ladder"][2]["approvals"]["roles"]] == ["data-scientist", "product-owner"]
    allowed = {each["role"]: each["allows"] for each in told["permissions"]}
    assert allowed["platform-engineer"]["operate"] == ["all"]
    assert "decide" not in allowed["data-owner"]


async def test_routes_are_told_and_whoever_asks_hears_that_the_app_lives(app: InferenceApp) -> None:
    routes = [route.name for route in app.clients.configuration.routes]
    _, _, told = await ask(app, "GET", "configuration")
    status, _, health = await ask(app, "GET", "health", headers={"x-functions-key": ""})

    shown: list[dict[str, Any]] = told["routes"]
    assert [each["name"] for each in shown] == routes
    assert shown[0]["take"] == "landing/each/{site}/{file}.csv"
    assert shown[0]["score"]["model"] == "m"
    assert (status, health) == (200, {"status": "alive", "routes": routes})
