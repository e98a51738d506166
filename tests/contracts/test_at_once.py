"""The same run, submitted by several at the very same moment: one is left, and everybody is told which."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.adapters.azure_ml.pipelines import AzureMlPipelines
from tests.contracts.runs import KINDS, V1, a_run, job, published
from tests.contracts.service import Answer, Service

AT_ONCE = 4


class Runs:
    """Those that the service has made, in order; nobody sees any before all have looked."""

    def __init__(self, make: Callable[[str, str], Any]) -> None:
        self._make, self._lock, self._looking = make, threading.Lock(), threading.Barrier(AT_ONCE)
        self.made, self.cancelled, self._looks = list[Any](), set[str](), 0

    def submitted(self) -> Any:
        with self._lock:
            number = len(self.made) + 1
            self.made.append(self._make(f"run-{number}", f"2026-11-25T04:10:{number:02d}+00:00"))
            return self.made[-1]

    def listed(self) -> list[Any]:
        with self._lock:
            self._looks += 1
            first = self._looks <= AT_ONCE
        if first:
            self._looking.wait(10)
            return []
        return [*self.made]


def serve(service: Service, kind: str) -> Runs:
    """A service that makes a run of each submission, as those do that know no names."""
    if kind == "published":
        runs = Runs(lambda name, at: published(service, Id=name, CreatedDate=at))
        service.on(f"GET .*/PipelineRuns/Pipeline/{V1}$", Answer(body=runs.listed))
        service.on("POST .*/PipelineSubmit/", Answer(body=runs.submitted))
        service.on("GET .*/PipelineRuns/run-", Answer(body=published(service)))
        where = "DELETE .*/PipelineRuns/{}/Execution$"
    else:
        runs = Runs(lambda name, at: service.payload("invocation") | {"name": name, "systemData": {"createdAt": at}})
        service.on("GET .*/batchEndpoints/train/jobs$", Answer(body=lambda: {"value": runs.listed()}))
        service.on("POST /score$", Answer(status=201, body=runs.submitted))
        service.on("GET .*/jobs/run-", Answer(body=job(service, "Running")))
        where = "POST .*/jobs/{}/cancel$"
    for name in (f"run-{number + 1}" for number in range(AT_ONCE)):
        service.on(where.format(name), Answer(after=lambda name=name: runs.cancelled.add(name)))
    return runs


@pytest.mark.parametrize("kind", ["published", "endpoint"])
def test_of_runs_that_are_submitted_at_once_the_oldest_is_left(
    ours: AzureMlPipelines, world: Service, kind: str
) -> None:
    runs = serve(world, kind)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        seen = list(pool.map(ours.submit, [a_run(KINDS[kind])] * AT_ONCE))

    assert len(runs.made) == AT_ONCE
    assert {each.id for each in seen} == {"run-1"}
    assert runs.cancelled == {f"run-{number + 1}" for number in range(1, AT_ONCE)}
