"""Data contracts with their profiles, and published data sets, as people see them."""

from dataclasses import replace

import pytest

from shared import contracts as c
from shared.domain.data.reference_profile import ColumnProfile
from shared.domain.datasets.contents import DatasetColumn, DatasetFile
from shared.domain.datasets.rules import DatasetKind, DatasetPurpose
from shared.records.datasets import DatasetManifest
from shared.records.datasets import paths as dataset_paths
from shared.records.datasets.imports import FetchedSource, ImportedFile, ImportRecord, list_import
from shared.records.lists.rows import RUNS, keep_listed, listed_file
from tests.console.conftest import ConsoleApp
from tests.console.test_matrix import HOSTILE
from triggers.console.views.records.contracts import plot_of
from triggers.http.data_contracts import ColumnProfiled, ProfileBar, profiled_column

CONTRACT = "examples/diabetes/contract.yaml"


async def test_a_contract_is_shown_with_where_it_is_used_and_what_arrivals_are_compared_with(
    shipped_app: ConsoleApp,
) -> None:
    ada = await shipped_app.signed_in("ada")
    listed = (await ada.get("data-contracts")).text
    page = (await ada.get(f"data-contracts?path={CONTRACT}")).text

    assert f'href="/console/data-contracts?path={CONTRACT}"' in listed
    assert "patient-[0-9]{4,}" in page
    assert 'href="/console/runs?route=diabetes-window"' in page
    assert page.count("<svg xmlns") == 10
    assert "331 rows in" in page
    assert "style=" not in page
    assert (await ada.get("data-contracts?path=signalbox.yaml")).status == 404, "a file that is no contract"
    assert (await ada.get("data-contracts?path=../secrets")).status in (404, 422)


async def test_a_data_set_says_what_it_holds_and_what_it_was_made_from(app: ConsoleApp) -> None:
    manifest = DatasetManifest(
        name="visits", version="7", kind=DatasetKind.TABLE, purpose=DatasetPurpose.TRAINING, publication="p",
        content="sha256:content", container="signalbox-staging", folder="datasets/visits/7", source="training/visits/",
        files=(DatasetFile(path="<b>.csv", bytes=12345, sha256="f" * 64),), snapshot="s", by="ada", rows=442,
        columns=(DatasetColumn(name=HOSTILE, type="number", missing=3),), note=HOSTILE,
        at=app.clients.clock.now().isoformat(), lineage=(c.LineageLink(kind="version", name="visits@6"),),
    )  # fmt: skip
    ada = await app.signed_in("ada")
    assert "No data set has been published yet." in (await ada.get("datasets")).text
    app.clients.store.create(dataset_paths.dataset_version("visits", "7"), manifest)
    page = (await ada.get("datasets/visits/versions/7")).text

    assert 'href="/console/datasets/visits/versions/7"' in (await ada.get("datasets?name=visits")).text
    assert "No version of it has been published." in (await ada.get("datasets?name=other")).text
    assert "<script>alert" not in page
    assert "&lt;b&gt;.csv" in page
    assert "12,345" in page
    assert 'href="/console/datasets/visits/versions/6"' in page
    assert (await ada.get("datasets/visits/versions/8")).status == 404


async def test_an_import_says_whence_its_files_came_and_what_became_of_them(shipped_app: ConsoleApp) -> None:
    ada, store = await shipped_app.signed_in("ada"), shipped_app.clients.store
    assert "Nothing has been imported yet." in (await ada.get("imports")).text
    file = ImportedFile(path="landing/<b>.csv", staged="s", bytes=12345, sha256="f" * 64)
    record = ImportRecord(
        id="import-diabetes-each-1", route="diabetes-each", source="https://data.example.org/<i>.csv", by="ada",
        target="landing/<b>.csv", reason=HOSTILE, opened="2026-01-01T00:00:00+00:00", execution="x",
    )  # fmt: skip
    for outcome in (None, c.ImportOutcome.FAILED):
        record = replace(record, outcome=outcome, because=HOSTILE if outcome else None)
        store.overwrite(dataset_paths.import_record(record.id), record)
        list_import(store, record)
        page, listed = [(await ada.get(path)).text for path in (f"imports/{record.id}", "imports?route=diabetes-each")]
        assert "<script>alert" not in page + listed
        assert "Nothing was fetched" in page
        assert f'href="/console/imports/{record.id}"' in listed
        assert ("under way" in page, "failed" in page) == (outcome is None, outcome is not None)
    store.create(dataset_paths.fetched_source(record.id), FetchedSource(origin="azureml://x", files=(file,)))
    run = {
        "route": "diabetes-each",
        "opened": "2026-01-02T00:00:00+00:00",
        "file": listed_file(file.path),
        "outcome": "",
    }
    keep_listed(store.hub, store.container, RUNS, "diabetes-each-9-1", run)
    page = (await ada.get(f"imports/{record.id}")).text

    assert all(text in page for text in ("12,345", "azureml://x", 'href="/console/runs/diabetes-each-9-1"'))
    assert "No import fits these filters." in (await ada.get("imports?outcome=imported")).text
    assert (await ada.get("imports/import-none-1")).status == 404


def test_rare_categories_are_counted_and_not_named() -> None:
    profiled = profiled_column("ward", ColumnProfile(kind="categorical", counts={"a": 90, "b": 5, "c": 4, "d": 1}))

    assert [(bar.name, bar.rows) for bar in profiled.bars] == [("a", 90), ("b", 5)]
    assert profiled.others == 5


def test_bars_have_every_row_of_a_numeric_column_once() -> None:
    column = ColumnProfile(kind="numeric", breakpoints=(1.0, 2.0, 4.0), cells=(3, 5, 7, 2))
    profiled = profiled_column("x", column)

    assert sum(bar.rows for bar in profiled.bars) == 17
    assert (profiled.bars[0].low, profiled.bars[-1].high) == (1.0, 4.0)


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_a_plot_escapes_what_columns_and_values_are_called(kind: str) -> None:
    bar = ProfileBar(rows=1, low=0.0, high=1.0) if kind == "numeric" else ProfileBar(rows=1, name="<script>")

    for bars in ((), (bar,)):
        plot = plot_of(ColumnProfiled(column=HOSTILE, kind=kind, bars=bars))
        assert "<script>" not in plot
