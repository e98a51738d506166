"""The product for a test that kills its host: its fakes keep what they know in the file KEPT."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import azure.durable_functions as df
from azure.servicebus import ServiceBusClient

from activities.blueprint import activity_blueprint
from orchestrators.blueprint import blueprint as orchestrators
from shared.adapters.azure_storage.ledger import BlobLedger
from shared.adapters.service_bus.messenger import ServiceBusMessenger
from tests.fakes.ports import FakeClients, RowChecks
from tests.inference.conftest import CONFIGURATION
from tests.messaging.conftest import VISITS
from tests.messaging.kept import KeptHub, KeptJobs
from triggers.queues.bindings import queue_blueprint


def _now() -> datetime:
    return datetime.now(UTC)


_hub_layout = replace(CONFIGURATION.hub, results="results")
_made = FakeClients(replace(CONFIGURATION, hub=_hub_layout, streams=(VISITS,)), _now)
_hub = KeptHub(_now, Path(os.environ["KEPT"]))
vars(_made).update(
    settings=SimpleNamespace(blob_service="https://datahub.blob.core.windows.net"),
    hub=_hub,
    ledger=BlobLedger(_hub, "signalbox"),
    jobs=KeptJobs(_hub, "signalbox-staging"),
    data_checks=RowChecks(_hub),
    messenger=ServiceBusMessenger(lambda: ServiceBusClient.from_connection_string(os.environ["SERVICE_BUS"])),
)

app = df.DFApp()
for _blueprint in (orchestrators, activity_blueprint(lambda: _made), queue_blueprint(lambda: _made)):
    app.register_functions(_blueprint)
