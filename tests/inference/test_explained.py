"""`explain RUN` names each unmet condition and who can meet it, whatever the run waits for or died of."""

from shared.domain.failures import Refused
from tests.inference.conftest import Product


async def explained(product: Product, name: str) -> tuple[int, dict[str, object]]:
    return await product.request("GET", f"explanations/{name}")


async def test_a_quarantined_run_waits_for_data_or_a_release(product: Product) -> None:
    run = await product.arrive("landing/each/north/a.csv", b"id,x\n1,bad\n")
    await product.host.settle()

    _, waiting = await explained(product, run)
    await product.finish(run)
    _, ended = await explained(product, run)

    data, release = waiting["unmet"]  # type: ignore[misc]
    assert data == ("landing/each/north/a.csv is bad; it can be met by whoever sends the data, with a corrected file")
    assert "data-owner" in release
    assert f"signalbox release {run}" in release
    assert (waiting["fate"], ended["fate"]) == ("quarantined", "quarantined")
    assert "nobody released it until" in ended["unmet"][-1]  # type: ignore[index]


async def test_a_failed_job_is_its_owners_and_a_missing_endpoint_the_operators(product: Product) -> None:
    product.clients.job_logs.logs["guid-1"] = {"logs/user/error.txt": b"KeyError: 'bmi'\n"}  # type: ignore[attr-defined]
    product.jobs.status_after = lambda looks: "Failed"
    job = await product.arrive("landing/each/north/a.csv")
    await product.finish(job)

    def refuse(*_: object) -> None:
        raise Refused("batch endpoint e is not in dev; deploy it there")

    product.jobs.submit = refuse  # type: ignore[method-assign, assignment]
    endpoint = await product.arrive("landing/each/north/b.csv")
    await product.finish(endpoint)

    (of_job,), (of_endpoint,) = [(await explained(product, run))[1]["unmet"] for run in (job, endpoint)]  # type: ignore[misc]
    assert f"whoever owns the model, who reads `signalbox logs {job}` and mends m" in of_job
    assert of_endpoint.startswith("batch endpoint e is not in dev; deploy it there; it can be met by ml-engineer")
    assert f"signalbox reprocess {endpoint}" in of_endpoint


async def test_what_is_at_work_waits_for_nobody_and_what_is_well_has_nothing_unmet(product: Product) -> None:
    well = await product.arrive("landing/each/north/a.csv")
    await product.finish(well)
    product.jobs.status_after = lambda looks: "Running"
    run = await product.arrive("landing/each/north/b.csv")
    await product.host.settle()

    assert (await explained(product, well))[1]["unmet"] == []
    (at_work,) = (await explained(product, run))[1]["unmet"]  # type: ignore[misc]
    assert "nobody is waited for" in at_work
    assert (await explained(product, "nothing"))[0] == 404
