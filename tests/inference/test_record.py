"""Records golden histories of runs that are missing (tests/replay/recording.py)."""

from dataclasses import replace

from tests.fakes.retraining import MemoryDataAssets
from tests.inference.conftest import InferenceApp
from tests.outages import Outage
from tests.replay.recording import only_when_asked, record, seen  # noqa: F401 (a fixture)

pytestmark = only_when_asked


async def test_record_runs(app: InferenceApp, seen: dict[str, str]) -> None:  # noqa: F811
    run = await app.arrive("landing/each/north/a.csv")
    await app.finish(run)
    record("run_inference-completed", "run_inference", seen[run])
    record("wait_for_job", "wait_for_job", seen[f"{run}-wait"])

    held = await app.arrive("landing/each/north/b.csv", b"id,x\n1,bad\n")
    await app.host.settle()
    await app.request("POST", f"runs/{held}/release", {"reason": "agreed"})
    await app.finish(held)
    record("run_inference-released", "run_inference", seen[held])


async def test_record_a_run_whose_input_is_registered(app: InferenceApp, seen: dict[str, str]) -> None:  # noqa: F811
    """Azure ML is away until the job has ended, so that the second look makes the version."""
    route = replace(app.clients.configuration.routes[0], input_asset="ward-reports")
    vars(app.clients).update(
        configuration=replace(app.clients.configuration, routes=(route,)), data_assets=MemoryDataAssets()
    )
    tries = iter([True] * 6)
    with Outage(app.clients.data_assets, "register", lambda *_: next(tries, False)):
        run = await app.arrive("landing/each/north/c.csv")
        await app.finish(run)
    record("run_inference-registered", "run_inference", seen[run])


async def test_record_a_window(app: InferenceApp, seen: dict[str, str]) -> None:  # noqa: F811
    await app.tell(app.land("landing/window/s1/a.csv"))
    await app.pass_time(30)
    window = next(instance for instance in seen if instance.startswith("window-"))
    record("collect_window", "collect_window", seen[window])
