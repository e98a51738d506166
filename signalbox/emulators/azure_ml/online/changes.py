"""Changes of online endpoints as long operations: begun, in force at their end, cancelled by another, taken up again.

What may be asked for is judged before; here is only how it happens.
"""

import asyncio
from collections.abc import Mapping
from typing import Any

from signalbox.emulators.azure_ml.doors import Refusal
from signalbox.emulators.azure_ml.estate import Estate
from signalbox.emulators.azure_ml.online.conditions import Conditions
from signalbox.emulators.azure_ml.online.rules import is_settled, on_kubernetes
from signalbox.emulators.azure_ml.operations import Operations
from signalbox.emulators.azure_ml.resources import Effect, Resources
from signalbox.emulators.clock import EmulatorClock

NOTE = "AzureAsyncOperationUri"  # Where the service notes the address of an endpoint's last operation.
_KIND = "endpoint"
_CANCELLED = "OperationCanceled"
_SAME = "the operation was canceled: a previous operation that is the same waits for the confirmation of its lock"
_OVERTAKEN = "the operation was canceled by another operation that has a higher priority"


class EndpointChanges:
    """At most one change of an endpoint is under way. A PUT's target is kept in its operation, over a restart."""

    def __init__(
        self, resources: Resources, estate: Estate, operations: Operations, conditions: Conditions, clock: EmulatorClock
    ) -> None:
        self._resources, self._estate, self._operations = resources, estate, operations
        self._conditions, self._clock = conditions, clock
        self._tasks: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        for operation, work in self._operations.unfinished(_KIND):
            self._start(operation, work)

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def begin(self, target: Mapping[str, Any], before: Mapping[str, Any] | None) -> tuple[dict[str, Any], str]:
        """Begin to make *target* of the endpoint that was *before*; what a PUT answers, and the operation.

        What is asked for twice is done once: the second operation is cancelled. Another change cancels the first.
        """
        path = str(target["id"])
        for rival, work in self._under_way(path):
            if _asked(work["target"]) == _asked(target):
                operation = self._operations.begin(_KIND, {"path": path, "target": target})
                self._operations.end(operation, _SAME, _CANCELLED)
                return self._shown(target, "Updating", operation), operation
            self._operations.end(rival, _OVERTAKEN, _CANCELLED)
        state, work = "Updating" if before else "Creating", self._work(path, target)
        operation = self._operations.begin(_KIND, work)
        shown = self._shown(target, state, operation)
        self._resources.put(path, self._shown(before, state, operation) if before else shown)
        self._start(operation, work)
        return shown, operation

    def refuse_parallel(self, endpoint: Mapping[str, Any] | None) -> None:
        """On Kubernetes nothing may be begun while anything of the endpoint is under way."""
        if endpoint is None or not on_kubernetes(endpoint):
            return
        deployments = self._resources.children(f"{endpoint['id']}/deployments")
        if not all(is_settled(resource) for resource in (endpoint, *deployments)):
            raise Refusal(409, "Conflict", f"an operation is already in progress on {endpoint['id']}; try again later")

    def cancel(self, path: str) -> None:
        """End what is under way: the endpoint is deleted."""
        for operation, _ in self._under_way(path):
            self._operations.end(operation, _OVERTAKEN, _CANCELLED)

    def force(self, path: str, shares: Mapping[str, Mapping[str, int]]) -> dict[str, Any]:
        """Change the traffic at once, as another hand would that nobody here followed."""
        endpoint = self._resources.get(path)
        if endpoint is None:
            raise Refusal(404, "ResourceNotFound", f"{path} does not exist")
        target = {**endpoint, "properties": {**endpoint["properties"], **shares}}
        self._keep(endpoint, target)
        return target

    def _under_way(self, path: str) -> list[tuple[str, dict[str, Any]]]:
        operations = self._operations.unfinished(_KIND)
        return [(name, work) for name, work in operations if work["path"].lower() == path.lower()]

    def _work(self, path: str, target: Mapping[str, Any]) -> dict[str, Any]:
        fault = self._conditions.fault_of_change(path.rpartition("/")[2])
        due = self._clock.now() + self._conditions.pace.endpoint_s + (fault.seconds if fault else 0.0)
        return {"path": path, "target": target, "due": due, "mode": fault.mode if fault else ""}

    def _start(self, operation: str, work: Mapping[str, Any]) -> None:
        task = asyncio.create_task(self._finish(operation, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _finish(self, operation: str, work: Mapping[str, Any]) -> None:
        await self._clock.sleep_until(work["due"])
        endpoint = self._resources.get(work["path"])
        if endpoint is None or not self._operations.is_under_way(operation):
            return  # It was deleted, or another change has taken over.
        if work["mode"] in ("failed", "cancelled"):
            state, code = ("Failed", "") if work["mode"] == "failed" else ("Canceled", _CANCELLED)
            self._resources.put(work["path"], _with_state(endpoint, state))
            self._operations.end(operation, f"the change of {work['path']} was {work['mode']} on request", code)
            return
        target = endpoint if work["mode"] == "lost" else work["target"]
        self._keep(endpoint, self._shown(target, "Succeeded", operation))
        self._operations.end(operation)

    def _keep(self, endpoint: Mapping[str, Any], target: dict[str, Any]) -> None:
        path = str(endpoint["id"])
        effect = Effect(kind="traffic", name=self._estate.within(path))
        self._resources.put(path, target, effect if _shares(endpoint) != _shares(target) else None)

    def _shown(self, endpoint: Mapping[str, Any], state: str, operation: str) -> dict[str, Any]:
        scope = self._estate.at(str(endpoint["id"]))
        assert scope is not None
        address = self._operations.status_header(scope, operation)["Azure-AsyncOperation"]
        own = {**endpoint["properties"]["properties"], NOTE: address}
        return _with_state({**endpoint, "properties": {**endpoint["properties"], "properties": own}}, state)


def _with_state(endpoint: Mapping[str, Any], state: str) -> dict[str, Any]:
    return {**endpoint, "properties": {**endpoint["properties"], "provisioningState": state}}


def _asked(endpoint: Mapping[str, Any]) -> dict[str, Any]:
    """What a caller can ask for of *endpoint*."""
    properties = {name: value for name, value in endpoint["properties"].items() if name != "provisioningState"}
    properties["properties"] = {name: value for name, value in properties["properties"].items() if name != NOTE}
    return {**endpoint, "properties": properties, "systemData": None}


def _shares(endpoint: Mapping[str, Any]) -> list[dict[str, int]]:
    names = ("traffic", "mirrorTraffic")
    return [{key: share for key, share in endpoint["properties"].get(name, {}).items() if share} for name in names]
