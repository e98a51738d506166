"""An online endpoint of the emulator as tests of it begin: made, with deployments, traffic, faults and a load."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signalbox.emulators.azure_ml.online.traffic import RequestLog, ScoredRequest
from signalbox.launcher.hub import hub_client
from signalbox.launcher.load import Load, LoadReport, Target, put_load, scoring_target
from signalbox.launcher.provision import Registered
from tests.emulators.conftest import Ml

ROWS = [[1.0, 1.0], [2.0, 5.0]]
SCORES = [2.0, 7.0]
SETTLED = ("Succeeded", "Failed", "Canceled")


class Online:
    """One endpoint in pre-production; what it is asked is not waited for unless a name says so."""

    def __init__(self, ml: Ml, name: str, assets: Registered, compute: str = "", sku: str = "Standard_F2s_v2") -> None:
        self.ml, self.name, self._assets, self._sku = ml, name, assets, sku
        self.path = f"mlw-preprod/onlineEndpoints/{name}"
        self.id = f"{ml.ids['mlw-preprod']}/onlineEndpoints/{name}"
        target = f"{ml.ids['mlw-preprod']}/computes/{compute}"
        self.properties: dict[str, Any] = {"authMode": "Key"} | ({"compute": target} if compute else {})

    def create(self) -> "Online":
        self.put({})
        self.settle()
        return self

    def put(self, traffic: dict[str, int], mirror: dict[str, int] | None = None, **more: Any) -> Any:
        properties = {**self.properties, "traffic": traffic, "mirrorTraffic": mirror or {}, **more}
        return self.ml.ask("PUT", self.path, {"location": "westeurope", "properties": properties})

    def share(self, traffic: dict[str, int], mirror: dict[str, int] | None = None) -> None:
        """Give it this traffic, and wait until that is in force."""
        answer = self.put(traffic, mirror)
        assert answer.status_code == 200, answer.text
        assert self.ended(answer)["status"] == "Succeeded"

    def put_deployment(self, name: str, instances: int = 1, code: str = "", **more: Any) -> Any:
        configuration = {"codeId": code or self._assets.code, "scoringScript": "score.py"}
        kind = "Kubernetes" if "compute" in self.properties else "Managed"
        properties = {
            "endpointComputeType": kind,
            "model": self._assets.model,
            "codeConfiguration": configuration,
            "instanceType": self._sku,
            **more,
        }
        body = {"location": "westeurope", "sku": {"name": "Default", "capacity": instances}, "properties": properties}
        return self.ml.ask("PUT", f"{self.path}/deployments/{name}", body)

    def deploy(self, *names: str, **more: Any) -> None:
        answers = [self.put_deployment(name, **more) for name in names]
        for answer in answers:
            assert answer.status_code in (200, 201), answer.text
        assert {self.ended(answer)["status"] for answer in answers} == {"Succeeded"}

    def settle(self) -> dict[str, Any]:
        return dict(self.ml.eventually(lambda: self._settled()))

    def state(self, deployment: str = "") -> Any:
        resource = self.path + (f"/deployments/{deployment}" if deployment else "")
        return self.ml.must("GET", resource)["properties"]["provisioningState"]

    def traffic(self) -> Any:
        return self.ml.must("GET", self.path)["properties"]["traffic"]

    def ended(self, answer: Any) -> Any:
        """The operation that *answer* names, once it has ended."""
        address = answer.headers["Azure-AsyncOperation"].removeprefix(self.ml.endpoints.resource_manager)

        def look() -> Any:
            operation = self.ml.must("GET", address)
            return None if operation["status"] == "InProgress" else operation

        return self.ml.eventually(look)

    def target(self) -> Target:
        return scoring_target(self.ml.endpoints, "mlw-preprod", self.name)

    def score(self, data: Any = ROWS, **headers: str) -> Any:
        target = self.target()
        return self.ml.call("POST", target.address, data, **{**target.headers, **headers})

    def load(self, requests: int, rate: float = 200.0, **more: Any) -> LoadReport:
        body = json.dumps(ROWS).encode()
        return put_load(self.target(), Load(requests=requests, rate=rate, **more), [body])

    def logged(self, since: float) -> list[ScoredRequest]:
        """What it answered from the moment *since* on."""
        log = RequestLog(Path(self.ml.cloud.endpoints.state) / "emulators" / "requests.db")
        return [request for request in log.between(since, since + 10 * 86400) if request.endpoint == self.name]

    def _settled(self) -> Any:
        resource = self.ml.must("GET", self.path)
        return resource if resource["properties"]["provisioningState"] in SETTLED else None


@contextmanager
def conditions(ml: Ml, **settings: Any) -> Iterator[None]:
    """The online service of the emulator under *settings*, and as it was afterwards."""
    control(ml, "/_control/online", settings)
    try:
        yield
    finally:
        control(ml, "/_control/online", {})


def control(ml: Ml, path: str, body: Any = None) -> Any:
    answer = ml.call("GET" if body is None else "POST", f"{ml.endpoints.resource_manager}{path}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def collected(ml: Ml, folder: str) -> list[dict[str, Any]]:
    """The lines of all files below *folder* of pre-production's own store."""
    with hub_client(ml.endpoints, "stpreprod") as storage:
        container = storage.get_container_client("azureml-blobstore")
        names = [name for name in container.list_blob_names(name_starts_with=folder) if name.endswith(".jsonl")]
        texts = [container.download_blob(name).readall().decode() for name in names]
    return [json.loads(line) for text in texts for line in text.splitlines()]
