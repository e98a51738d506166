"""What a deployment answers: of its process, or of a fault that was set; with the statuses of its kind of compute."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from signalbox.emulators.azure_ml.online.conditions import Conditions, DeploymentFault
from signalbox.emulators.azure_ml.online.fleet import Fleet
from signalbox.emulators.azure_ml.online.rules import on_kubernetes
from signalbox.emulators.azure_ml.online.throttle import Throttle, TooMany
from signalbox.emulators.azure_ml.process import Ended, NotStarted

SELECTED = "azureml-model-deployment"
_TOO_MANY, _TOO_LONG = {False: 429, True: 503}, {False: 408, True: 504}  # By whether it is on Kubernetes.
_MODEL_FAILED = {False: 424, True: 502}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """*model_status* is what the model's container answered, None where it answered nothing."""

    status: int
    text: str
    model_status: int | None = None
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


class Answers:
    def __init__(self, fleet: Fleet, conditions: Conditions, throttle: Throttle) -> None:
        self._fleet, self._conditions, self._throttle = fleet, conditions, throttle

    def instance(self, deployment: str, path: str) -> int:
        """The number of the instance that a request to *deployment* comes to."""
        return self._conditions.draws(f"{deployment}/instance").randrange(self._fleet.instances(path))

    async def of(self, endpoint: Mapping[str, Any], resource: Mapping[str, Any], instance: int, data: str) -> Answer:
        """The answer of the deployment *resource* of *endpoint* to *data*."""
        kubernetes, path = on_kubernetes(endpoint), str(resource["id"])
        concurrency = resource["properties"]["requestSettings"].get("maxConcurrentRequestsPerInstance") or 1
        try:
            with self._throttle.place(path.lower(), 2 * concurrency * self._fleet.instances(path)):
                answer = await self._faulty(f"{endpoint['name']}/{resource['name']}", path, instance, data)
        except TooMany as error:
            return Answer(status=_TOO_MANY[kubernetes], text=str(error))
        except TimeoutError:
            return Answer(status=_TOO_LONG[kubernetes], text="the model did not answer in time")
        if answer.status == 200:
            return answer
        # The service tells its callers the model's own status in a header, and that the model failed in its status.
        reason = {} if kubernetes else {"ms-azureml-model-error-reason": "model_error"}
        status = {} if kubernetes else {"ms-azureml-model-error-statuscode": str(answer.status)}
        headers = {**status, **reason}
        return Answer(
            status=_MODEL_FAILED[kubernetes], text=answer.text, model_status=answer.model_status, headers=headers
        )

    async def _faulty(self, name: str, path: str, instance: int, data: str) -> Answer:
        """The process's answer, with the faults of the deployment *name* that are in force."""
        faults = self._conditions.faults_of(name, instance)
        draws = self._conditions.draws(f"{name}/faults")
        for fault in faults:
            if self._conditions.crashes(name, fault):
                await self._fleet.crash(path)
                return _failure(502, "the scoring process ended")
            if fault.latency_ms and draws.random() < fault.latency_share:
                await asyncio.sleep(fault.latency_ms / 1000)  # Callers measure it, so it is the machine's own time.
            if self._conditions.fails(name, fault):
                return _failure(fault.error_status, "asked for by a test")
        return _shifted(await self._served(path, data), faults)

    async def _served(self, path: str, data: str) -> Answer:
        try:
            reply = await self._fleet.score(path, data)
        except (Ended, NotStarted) as error:
            return _failure(502, str(error) or "the scoring process ended")
        if not reply["ok"]:
            return _failure(500, reply["body"])
        return Answer(status=200, text=reply["body"], model_status=200, content_type="application/json")


def _failure(status: int, text: str) -> Answer:
    return Answer(status=status, text=text, model_status=status)


def _shifted(answer: Answer, faults: list[DeploymentFault]) -> Answer:
    """*answer* with every number in it multiplied and added to."""
    shifts = [fault for fault in faults if (fault.times, fault.add) != (1.0, 0.0)]
    if answer.status != 200 or not shifts:
        return answer
    value = json.loads(answer.text)
    for fault in shifts:
        value = _shift(value, fault)
    return Answer(status=200, text=json.dumps(value), model_status=200, content_type=answer.content_type)


def _shift(value: Any, fault: DeploymentFault) -> Any:
    if isinstance(value, dict):
        return {name: _shift(inner, fault) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shift(inner, fault) for inner in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return value * fault.times + fault.add
