"""Bad data is set aside with its report; only a recorded order lets it through."""

from shared.domain.inference.runs import RunOutcome
from tests.inference.conftest import InferenceApp

BAD = b"id,x\n1,bad\n"
WHY = {"reason": "known outlier, agreed with the ward"}


async def test_bad_data_is_moved_reported_and_announced(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()

    assert app.hub.find("landing", "each/north/a.csv") is None
    assert app.hub.read("quarantine", f"each/{run}/files/00000-a.csv") == BAD
    assert app.hub.read("quarantine", f"each/{run}/report.json")
    assert app.announced.kinds == ["Signalbox.Inference.Quarantined"]
    assert app.host.get(run).custom_status["step"] == "quarantined"


async def test_a_release_is_recorded_and_resumes_the_run(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()

    status, answer = await app.request("POST", f"runs/{run}/release", WHY)
    result = await app.finish(run)

    assert (status, answer["recorded"]) == (202, True)
    assert result.outcome is RunOutcome.COMPLETED
    assert WHY["reason"] in (app.hub.read("signalbox", f"runs/{run}/orders/release.json") or b"").decode()


async def test_silence_is_not_a_release(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)

    result = await app.finish(run)

    assert result.outcome is RunOutcome.QUARANTINED
    assert not app.jobs.created
    assert app.announced.kinds == ["Signalbox.Inference.Quarantined"]


async def test_a_cancelled_quarantine_ends(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()
    await app.request("POST", f"runs/{run}/cancel", WHY)

    assert (await app.finish(run)).outcome is RunOutcome.CANCELLED


async def test_an_order_without_a_reason_is_refused_by_name(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()

    status, problem = await app.request("POST", f"runs/{run}/release", {})

    assert status == 400
    assert "'reason'" in problem["detail"]
    assert app.hub.find("signalbox", f"runs/{run}/orders/release.json") is None


async def test_a_run_that_waits_for_a_release_is_listed_and_shown_with_its_reasons(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()

    _, page = await app.request("GET", "runs?outcome=quarantined")
    _, shown = await app.request("GET", f"runs/{run}")

    assert [(row["run"], row["closed"]) for row in page["runs"]] == [(run, "")]
    assert (shown["outcome"], shown["because"]) == ("quarantined", "landing/each/north/a.csv is bad")
    quarantine = shown["quarantine"]
    assert quarantine["because"] == ["landing/each/north/a.csv is bad"]
    assert (quarantine["rows"], quarantine["waits"]) == (1, True)
    assert quarantine["report"] == f"signalbox/runs/{run}/data.json"
    assert quarantine["files"] == f"quarantine/each/{run}"
    assert "data-owner" in quarantine["may_release"]
    assert quarantine["until"] > page["runs"][0]["opened"]


async def test_a_released_run_is_under_way_again_and_says_who_released_it(app: InferenceApp) -> None:
    app.jobs.status_after = lambda looks: "Running" if looks < 5 else "Completed"
    run = await app.arrive("landing/each/north/a.csv", BAD)
    await app.host.settle()
    await app.request("POST", f"runs/{run}/release", WHY)
    await app.host.settle()

    _, page = await app.request("GET", "runs")
    _, shown = await app.request("GET", f"runs/{run}")

    assert [row["outcome"] for row in page["runs"]] == [""]
    assert (shown["outcome"], shown["quarantine"]["waits"]) == ("", False)
    assert (shown["quarantine"]["released_by"], shown["quarantine"]["reason"]) == ("operator", WHY["reason"])
