"""One field finds every id, and nothing that the person may not see."""

from datetime import date

import pytest

from shared.contracts import ImportOutcome, LineageLink
from shared.domain import identity
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose
from shared.domain.retraining.decision import PastRun
from shared.records import paths
from shared.records.datasets import DatasetManifest
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import ImportRecord, list_import
from shared.records.inference import UsedMessage
from shared.records.lists.rows import PROMOTIONS, RUNS, keep_listed
from shared.records.operations import IgnoredEvent, note_ignored
from shared.records.retraining import Book
from tests.console.conftest import ConsoleApp
from tests.console.test_matrix import HOSTILE

MODEL, AT = "diabetes-progression", "2026-01-01T00:00:00+00:00"


def fill(app: ConsoleApp) -> None:
    hub, store = app.hub, app.clients.store
    for number in range(25):
        row = {"route": "diabetes-each", "opened": AT, "outcome": "completed", "model": f"{MODEL}:1"}
        keep_listed(hub, store.container, RUNS, f"each-{number:04d}-1", row)
    promotion = {"model": MODEL, "version": "1", "target": "preprod", "opened": AT, "fate": "held"}
    keep_listed(hub, store.container, PROMOTIONS, "promotion-abc-1", promotion)
    imported = ImportRecord(
        id="import-abc-1", route="diabetes-each", source="azureml:visits:3", target="landing/diabetes/a.csv", by="ada",
        reason=HOSTILE, opened=AT, execution="x", closed=AT, outcome=ImportOutcome.FAILED, because=HOSTILE,
    )  # fmt: skip
    store.create(dataset_paths.import_record(imported.id), imported)
    list_import(store, imported)
    past = PastRun(run="retrain-abc-1", started=app.clients.clock.now())
    store.create(paths.retraining_book(MODEL), Book(runs=(past,)))
    manifest = DatasetManifest(
        name="visits", version="7", kind=DatasetKind.TABLE, purpose=DatasetPurpose.TEST, publication="p", content="c",
        container="signalbox-staging", folder="f", files=(), source="training/", snapshot="s", by="ada", at=AT,
        lineage=(LineageLink(kind="run", name="retrain-abc-1"),),
    )  # fmt: skip
    store.create(dataset_paths.dataset_version("visits", "7"), manifest)
    digest = identity.message_digest("message-1")
    store.create(paths.used_message("diabetes-visits", digest), UsedMessage(group="g", batch="batch-9", message="g/1"))
    note_ignored(store, date(2026, 1, 1), IgnoredEvent(event="event-1", subject="x", at=AT, reason=HOSTILE))
    app.clients.audit.append("key-1", "decision approved", f"{MODEL}:1", "ada", {"promotion": "promotion-abc-1"})
    app.hub.create("dead-letters", "events/1.json", b'{"reason": "it has no type", "event": {}}')


@pytest.mark.parametrize(
    ("text", "page"),
    [
        ("each-0007-1", "runs/each-0007-1"),
        (" promotion-abc-1 ", "promotions/promotion-abc-1"),
        ("retrain-abc-1", "retrainings/retrain-abc-1"),
        ("import-abc-1", "imports/import-abc-1"),
        ("visits@7", "datasets/visits/versions/7"),
        ("diabetes-window", "runs?route=diabetes-window"),
        ("monthly-training", "schedules/monthly-training"),
        ("examples/diabetes/contract.yaml", "data-contracts?path=examples/diabetes/contract.yaml"),
        ("events/1.json", "dead-letters?letter=events/1.json"),
        ("key-1", "promotions/promotion-abc-1"),
    ],
)
async def test_what_is_typed_whole_leads_to_its_page(shipped_app: ConsoleApp, text: str, page: str) -> None:
    fill(shipped_app)
    found = await (await shipped_app.signed_in("ada")).get(f"search?q={text.replace(' ', '+')}")

    assert (found.status, found.location) == (303, f"/console/{page}")


async def test_a_part_of_an_id_gives_a_list_by_kind(shipped_app: ConsoleApp) -> None:
    fill(shipped_app)
    ada = await shipped_app.signed_in("ada")
    page = (await ada.get("search?q=ABC")).text

    assert page.index('href="/console/promotions/promotion-abc-1"') < page.index("/console/retrainings/retrain-abc-1")
    many = (await ada.get("search?q=each-00")).text
    assert many.count('href="/console/runs/each-00') == 20
    assert "There are more" in many
    assert "batch-9" in (await ada.get("search?q=message-1")).text
    event = (await ada.get("search?q=event-1")).text
    assert "ignored: " in event
    assert "<script>alert" not in event


@pytest.mark.parametrize("text", ["ab", "nothing-is-called-so", "%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E", "a/../b"])
async def test_what_is_not_there_is_not_found(shipped_app: ConsoleApp, text: str) -> None:
    fill(shipped_app)
    page = await (await shipped_app.signed_in("ada")).get(f"search?q={text}")

    assert page.status == 200
    assert "Nothing that you may see is called" in page.text
    assert "<script>alert" not in page.text


async def test_every_page_has_the_field_and_a_stranger_finds_nothing(shipped_app: ConsoleApp) -> None:
    fill(shipped_app)
    ada = await shipped_app.signed_in("ada")

    for path in ("", "runs", "search", "audit"):
        assert (await ada.get(path)).text.count('role="search"') == 1
    assert (await shipped_app.browser().get("search?q=each-0007-1")).location.startswith("/console/sign-in")
