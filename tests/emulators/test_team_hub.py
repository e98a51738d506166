"""A team's own storage account beside the Data Hub, with the real clients: the account is served, and its events come
as its own."""

from dataclasses import replace

import pytest

from shared.clients import Clients
from shared.domain.configuration import ResourceGroup, TeamHub
from shared.domain.events import BlobArrived, Irrelevant
from shared.settings import read_settings
from signalbox.launcher.cloud import LocalCloud
from tests.emulators.services import events_of, eventually, storage
from triggers.events.envelopes import read_event

pytestmark = pytest.mark.xdist_group("storage-emulator")
HUB = TeamHub(
    name="ward-lab",
    account="stdev",
    containers=("ward-lab", "landing-of-lab"),
    environments=("dev",),
    group=ResourceGroup(subscription="s", name="g"),
)


@pytest.fixture
def clients(cloud: LocalCloud, monkeypatch: pytest.MonkeyPatch) -> Clients:
    for name, value in cloud.endpoints.environment().items():
        monkeypatch.setenv(name, value)
    clients = Clients(read_settings())
    clients.configuration = replace(clients.configuration, hubs=(HUB,))
    with storage(cloud.endpoints, HUB.account) as account:
        for container in (*HUB.containers, "landing"):
            if not account.get_container_client(container).exists():
                account.create_container(container)
    return clients


def test_a_file_lies_in_the_teams_account_and_is_staged_in_the_central_one(cloud: LocalCloud, clients: Clients) -> None:
    assert clients.hub.create("ward-lab", "a/rows.csv", b"id\n1\n")
    (blob,) = clients.hub.list("ward-lab", "a/")

    with storage(cloud.endpoints, HUB.account) as account:
        assert account.get_blob_client("ward-lab", "a/rows.csv").exists()
    with storage(cloud.endpoints) as central:
        assert not central.get_container_client("ward-lab").exists()
    assert clients.hub.copy(blob, "signalbox-staging", "runs/r/rows.csv", {})
    assert clients.hub.read("signalbox-staging", "runs/r/rows.csv") == b"id\n1\n"
    assert clients.hub.delete("ward-lab", "a/rows.csv")


def test_an_event_of_the_account_is_about_its_own_containers(cloud: LocalCloud, clients: Clients) -> None:
    configuration = clients.configuration
    with storage(cloud.endpoints, HUB.account) as account:
        for container in ("ward-lab", "landing"):  # The Data Hub has a container `landing` too.
            account.get_blob_client(container, "b/rows.csv").upload_blob(b"id\n", overwrite=True)

    def arrived(container: str) -> object:
        (raw, *_) = eventually(lambda: events_of(cloud.endpoints, container, "b/rows.csv", HUB.account))
        return read_event(raw, configuration.hub.account, configuration.accounts_elsewhere)

    own, foreign = arrived("ward-lab"), arrived("landing")
    assert isinstance(own, BlobArrived)
    assert (own.arrival.account, own.arrival.location) == ("stdev", "ward-lab/b/rows.csv")
    assert isinstance(foreign, Irrelevant)
    assert "is not the account of container landing, which is datahub" in foreign.reason
