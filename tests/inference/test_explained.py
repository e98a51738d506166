"""`explain RUN` names each unmet condition and who can meet it, whatever the run waits for or died of."""

from shared.domain.failures import Refused
from tests.inference.conftest import InferenceApp


async def explained(app: InferenceApp, name: str) -> tuple[int, dict[str, object]]:
    return await app.request("GET", f"explanations/{name}")


async def test_a_quarantined_run_waits_for_data_or_a_release(app: InferenceApp) -> None:
    run = await app.arrive("landing/each/north/a.csv", b"id,x\n1,bad\n")
    await app.host.settle()

    _, waiting = await explained(app, run)
    await app.finish(run)
    _, ended = await explained(app, run)

    data, release = waiting["unmet"]  # type: ignore[misc]
    assert data == ("landing/each/north/a.csv is bad; it can be met by the sender of the data, with a corrected file")
    assert "data-owner" in release
    assert f"signalbox release {run}" in release
    assert (waiting["fate"], ended["fate"]) == ("quarantined", "quarantined")
    assert "nobody released it until" in ended["unmet"][-1]  # type: ignore[index]


async def test_a_failed_job_is_its_owners_and_a_missing_endpoint_the_operators(app: InferenceApp) -> None:
    app.clients.job_logs.logs["guid-1"] = {"logs/user/error.txt": b"KeyError: 'bmi'\n"}  # type: ignore[attr-defined]
    app.jobs.status_after = lambda looks: "Failed"
    job = await app.arrive("landing/each/north/a.csv")
    await app.finish(job)

    def refuse(*_: object) -> None:
        raise Refused("batch endpoint e is not in dev; deploy it there")

    app.jobs.submit = refuse  # type: ignore[method-assign, assignment]
    endpoint = await app.arrive("landing/each/north/b.csv")
    await app.finish(endpoint)

    (of_job,), (of_endpoint,) = [(await explained(app, run))[1]["unmet"] for run in (job, endpoint)]  # type: ignore[misc]
    assert f"the owner of the model, who reads `signalbox logs {job}` and mends m" in of_job
    assert of_endpoint.startswith("batch endpoint e is not in dev; deploy it there; it can be met by ml-engineer")
    assert f"signalbox reprocess {endpoint}" in of_endpoint


async def test_rows_that_a_completed_job_lost_are_looked_for_in_its_log(app: InferenceApp) -> None:
    app.jobs.lose_rows = 1
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)

    (unmet,) = (await explained(app, run))[1]["unmet"]  # type: ignore[misc]
    assert f"(`signalbox logs {run}` prints what its job said); then `signalbox reprocess" in unmet


async def test_what_is_at_work_waits_for_nobody_and_what_is_well_has_nothing_unmet(app: InferenceApp) -> None:
    well = await app.arrive("landing/each/north/a.csv")
    await app.finish(well)
    app.jobs.status_after = lambda looks: "Running"
    run = await app.arrive("landing/each/north/b.csv")
    await app.host.settle()

    assert (await explained(app, well))[1]["unmet"] == []
    (at_work,) = (await explained(app, run))[1]["unmet"]  # type: ignore[misc]
    assert "nobody is waited for" in at_work
    assert (await explained(app, "nothing"))[0] == 404
