"""Retraining over HTTP: who asks, what is refused, and what everybody can see."""

from datetime import timedelta

from tests.retraining.conftest import Works


async def test_whoever_may_asks_and_everybody_sees_what_became_of_it(works: Works) -> None:
    body = {"reason": "new ward", "data": "extra/wards/"}
    works.hub.land("extra/wards/north.csv", b"id,x,y\n900,900,900\n")

    status, asked = await works.ask("POST", "models/churn/retrain", body, "ada")
    result = await works.retrained()
    _, shown = await works.ask("GET", "models/churn/retraining")

    assert (status, asked["considered"]) == (202, "now")
    claim = works.part("claim.json")["causes"][0]
    assert (claim["kind"], claim["who"], claim["because"], claim["facts"]) == (
        "person",
        "ada",
        "new ward",
        {"data": "extra/wards/"},
    )
    assert "extra/wards/north.csv" in {member["path"] for member in works.part("data.json")["members"]}
    assert [(run["run"], run["outcome"], run["challenger"]) for run in shown["runs"]] == [
        (result.run, "better", "churn:1")
    ]
    assert [verdict["move"] for verdict in shown["verdicts"]] == ["retrain", "wait"]
    assert (shown["causes"], shown["running"]) == ([], "")
    assert shown["spent"] == works.runs()[0]["cost"]["actual"]


async def test_the_same_wish_is_one_cause_until_another_run_has_started(works: Works) -> None:
    _, first = await works.ask("POST", "models/churn/retrain", {"reason": "again"}, "ada")
    _, second = await works.ask("POST", "models/churn/retrain", {"reason": "again"}, "ada")
    await works.retrained()
    _, third = await works.ask("POST", "models/churn/retrain", {"reason": "again"}, "ada")

    assert first["cause"] == second["cause"] != third["cause"]
    assert second["considered"] == "with others"


async def test_what_cannot_be_is_refused_by_name(works: Works) -> None:
    for path, body, who, wanted, said in (
        ("models/fraud/retrain", {"reason": "r"}, "ada", 404, "no `retraining` section"),
        ("models/churn/retrain", {}, "ada", 400, "reason"),
        ("models/churn/retrain", {"reason": "r", "data": "signalbox/x"}, "ada", 400, "the hub's own containers"),
        ("models/churn/retrain", {"reason": "r", "data": "extra/none"}, "ada", 404, "nothing lies at"),
        ("models/churn/retrain", {"reason": "r"}, "grace", 403, "may not retrain"),
    ):
        status, refused = await works.ask("POST", path, body, who)
        assert (status, said in refused["detail"]) == (wanted, True), refused
    await works.pass_time(timedelta(minutes=5))
    assert not works.runs()
