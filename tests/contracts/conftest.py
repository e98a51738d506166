"""The product's own adapters before a service of recorded shapes, over TLS."""

import ssl
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer

import pytest

from shared.adapters.azure_ml.arm import Arm
from shared.adapters.azure_ml.invocations import BatchInvocations
from shared.adapters.azure_ml.pipeline_jobs import PipelineEndpoints, PipelineJobs
from shared.adapters.azure_ml.pipelines import AzureMlPipelines
from shared.adapters.azure_ml.published_pipelines import PublishedPipelines
from shared.adapters.azure_ml.regions import Regions
from shared.adapters.azure_ml.tracking import Tracking
from signalbox.emulators.authority import ensure_authority
from tests.contracts.runs import without_runs
from tests.contracts.service import Answer, Directory, Handler, Service


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    authority = ensure_authority(tmp_path_factory.mktemp("authority"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(authority.cert, authority.key)
    server.socket = tls.wrap_socket(server.socket, server_side=True)
    made = Service(int(server.server_address[1]), authority.ca)
    setattr(server, "service", made)  # noqa: B010 - The handler finds it there.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def service(running: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """With a workspace, and nothing in it."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(running.ca))
    running.forget()
    running.on("GET .*/workspaces/mlw-dev$", Answer(body=running.payload("workspace")))
    running.on("GET /discovery$", Answer(body=running.payload("discovery")))
    running.on("POST .*/runs/log-batch$", Answer(body={}))
    return running


@pytest.fixture(scope="session")
def _shared(running: Service) -> AzureMlPipelines:
    return pipelines(running, Directory())


@pytest.fixture
def ours(_shared: AzureMlPipelines, service: Service) -> AzureMlPipelines:
    """The product's own adapters before the service, as warm as in a worker."""
    del service
    return _shared


def pipelines(service: Service, directory: Directory, hosts: tuple[str, ...] = ()) -> AzureMlPipelines:
    """The product's own adapters; *hosts* may be called, or the service's own."""
    base = f"https://{service.host}"
    arm, hosts = Arm(directory, base), hosts or (service.host,)
    regions = Regions(arm, directory, base, hosts)
    tracking = Tracking(regions)
    endpoints = PipelineEndpoints(arm, tracking, BatchInvocations(arm, directory, "https://ml.azure.com", hosts))
    return AzureMlPipelines(PublishedPipelines(regions, tracking), endpoints, PipelineJobs(arm, tracking), tracking)


@pytest.fixture
def world(service: Service) -> Service:
    """No run yet; each submission makes one."""
    return without_runs(service)
