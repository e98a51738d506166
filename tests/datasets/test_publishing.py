"""A folder becomes an immutable version once, whatever is repeated, lost or changed; or one sentence says why not."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from shared import contracts as c
from shared.domain.failures import Transient
from tests.amounts import sample
from tests.datasets.conftest import FOLDER, ROWS, DatasetApp
from tests.team_hubs import LAB_HUB

Outcome = c.PublicationOutcome
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 50}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 100, 50]}],
}


async def test_a_folder_becomes_a_version_with_its_manifest_and_is_registered(app: DatasetApp) -> None:
    app.land()
    app.hub.land(f"{FOLDER}_SUCCESS", b"")

    result = await app.published(note="the third quarter", files=["evaluation/churn.csv"])

    assert (result.outcome, result.rows, result.registered) == (Outcome.PUBLISHED, 200, ("dev", "preprod"))
    status, shown = await app.ask("GET", "datasets/churn-holdout/versions/1")
    (file,) = shown["files"]
    assert (status, file["path"], file["sha256"]) == (200, "rows.csv", hashlib.sha256(ROWS).hexdigest())
    assert [(column["name"], column["type"]) for column in shown["columns"]] == [
        ("id", "integer"),
        ("x", "integer"),
        ("y", "integer"),
    ]
    assert (shown["by"], shown["note"], shown["source"]) == ("ada", "the third quarter", FOLDER)
    (link,) = shown["lineage"]
    blob = app.hub.find("evaluation", "churn.csv")
    assert blob is not None
    assert (link["kind"], link["name"], link["digest"]) == ("file", "evaluation/churn.csv", blob.etag)
    assert app.hub.read("signalbox-staging", f"{shown['folder'].partition('/')[2]}/rows.csv") == ROWS
    folder = app.assets["preprod/churn-holdout:1"]["folder"]
    assert folder.endswith(shown["folder"].partition("/")[2])
    assert app.announced() == ["Signalbox.Dataset.Published"]
    assert app.chain() == ["dataset published"]
    (entry,) = app.clients.audit.entries()
    assert entry.facts["manifest"] == shown["manifest"]
    _, page = await app.ask("GET", "datasets?name=churn-holdout")
    assert [(row["name"], row["version"]) for row in page["datasets"]] == [("churn-holdout", "1")]


async def test_the_same_request_again_is_the_same_publication(app: DatasetApp) -> None:
    app.land()
    first = await app.published()
    again = await app.published()
    app.hub.land("evaluation/elsewhere/rows.csv", ROWS)
    copied = await app.published(folder="evaluation/elsewhere/")

    assert (again, copied.outcome) == (first, Outcome.ALREADY)
    assert first.id in copied.because
    assert len(app.staged()) == 1
    assert len(app.assets) == 2
    assert app.chain().count("dataset published") == 1


async def test_a_version_never_changes(app: DatasetApp) -> None:
    app.land()
    first = await app.published()
    app.land(b"id,x,y\n1,2,3\n", "evaluation/other/")

    other = await app.published(folder="evaluation/other/")
    assert other.outcome is Outcome.CONFLICT
    assert f"by ada at {app.manifest('churn-holdout', '1')['at']} ({first.id})" in other.because
    assert "choose another" in other.because
    assert len(app.staged()) == 1
    app.land(b"id,x,y\n1,2,3\n")
    status, answer = await app.publish()
    assert (status, "has changed since" in answer["detail"]) == (409, True)


async def test_of_two_at_once_with_different_content_one_makes_the_version(app: DatasetApp) -> None:
    app.land()
    app.land(b"id,x,y\n1,2,3\n", "evaluation/other/")
    requests = [await app.publish(folder=folder) for folder in (FOLDER, "evaluation/other/")]
    results = [await app.ended(answer["id"]) for _, answer in requests]

    assert sorted(result.outcome.value for result in results) == ["conflict", "published"]
    assert app.manifest("churn-holdout", "1")["publication"] in [
        result.id for result in results if result.outcome is Outcome.PUBLISHED
    ]
    assert len(app.staged()) == 1
    assert app.chain().count("dataset published") == 1


class LosingLedger:
    """Loses the first record of an effect that has happened, before or after it is written."""

    def __init__(self, inner: Any, step: str, after: bool) -> None:
        self._inner, self._step, self._after, self.lost = inner, step, after, 0

    def find(self, key: str) -> dict[str, Any] | None:
        return self._inner.find(key)  # type: ignore[no-any-return]

    def record(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        losing = key.startswith("dataset-publications/") and key.endswith(f"/{self._step}") and not self.lost
        self.lost += losing
        if losing and not self._after:
            raise Transient("the host died before the record")
        recorded: dict[str, Any] = self._inner.record(key, result)
        if losing:
            raise Transient("the host died after the record")
        return recorded


DEATHS = [
    (step, after)
    for step in ("staged", "checked", "promoted", "registered-dev", "registered-preprod", "closed")
    for after in (False, True)
]


@pytest.mark.long
@pytest.mark.parametrize(("step", "after"), sample(DEATHS, 6))
async def test_a_host_that_dies_at_any_step_changes_nothing(app: DatasetApp, step: str, after: bool) -> None:
    ledger = LosingLedger(app.clients.ledger, step, after)
    vars(app.clients)["ledger"] = ledger
    app.land()

    result = await app.published()

    assert (result.outcome, ledger.lost) == (Outcome.PUBLISHED, 1)
    assert len(app.staged()) == 1
    assert sorted(app.assets) == ["dev/churn-holdout:1", "preprod/churn-holdout:1"]
    assert app.chain() == ["dataset published"]
    assert set(app.announced()) == {"Signalbox.Dataset.Published"}


class StuckLedger(LosingLedger):
    """Takes no record of the effect of one step until it is freed."""

    stuck = True

    def record(self, key: str, result: Mapping[str, Any]) -> dict[str, Any]:
        if self.stuck and key.startswith("dataset-publications/") and key.endswith(f"/{self._step}"):
            raise Transient("nothing can be written")
        return dict(self._inner.record(key, result))


@pytest.mark.parametrize("step", ["staged", "checked", "promoted", "registered-dev", "closed"])
async def test_a_publication_that_was_ended_from_outside_is_finished(app: DatasetApp, step: str) -> None:
    """The version is there whole, or nothing is left and the same request makes it."""
    ledger = StuckLedger(app.clients.ledger, step, after=False)
    vars(app.clients)["ledger"] = ledger
    app.land()
    _, answer = await app.publish()
    await app.host.settle()
    await app.host.terminate(answer["id"], "somebody pulled the plug")
    ledger.stuck = False
    await app.pass_time(timedelta(days=2))  # A sweep concludes it, and the next finds nothing left.

    has_version = step in ("promoted", "registered-dev", "closed")
    record = json.loads(app.hub.read("signalbox", f"dataset-publications/{answer['id']}/publication.json") or b"{}")
    kind = "Published" if has_version else "Failed"
    assert record["outcome"] == kind.lower()
    assert app.chain() == ["dataset published" if has_version else "publication failed"]
    assert set(app.announced()) == {f"Signalbox.Dataset.{kind}"}
    assert (len(app.staged()), len(app.assets)) == ((1, 2) if has_version else (0, 0))
    assert not list(app.hub.list("signalbox", "dataset-publications-open/"))
    if has_version:
        assert (await app.publish())[1]["id"] == answer["id"]
    else:
        assert (await app.published()).outcome is Outcome.PUBLISHED
    assert len(app.staged()) == 1


async def test_a_folder_that_changes_under_way_is_not_published(
    app: DatasetApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.land()
    copy = app.hub.copy

    def copy_late(source: Any, *place: Any) -> bool:
        if source.path == f"{FOLDER.partition('/')[2]}rows.csv":
            app.land(ROWS + b"9,9,9\n")
        return copy(source, *place)

    monkeypatch.setattr(app.hub, "copy", copy_late)
    result = await app.published()

    assert (result.outcome, app.staged(), app.assets) == (Outcome.FAILED, [], {})
    assert "rows.csv changed while it was copied; publish again once nobody writes there" in result.because
    monkeypatch.setattr(app.hub, "copy", copy)
    again = await app.published()
    assert (again.outcome, app.announced()) == (
        Outcome.PUBLISHED,
        ["Signalbox.Dataset.Failed", "Signalbox.Dataset.Published"],
    )


async def test_what_was_refused_may_be_asked_for_again_as_it_is(app: DatasetApp) -> None:
    app.land(b"id,x\n1,bad\n")
    first = await app.published(name="judged")
    again = await app.published(name="judged")

    assert (first.outcome, again.outcome, app.staged()) == (Outcome.BAD_DATA, Outcome.BAD_DATA, [])
    assert first.id != again.id
    assert "it breaks c: rows.csv is bad" in first.because


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"annotations": [{"image_id": 1, "category_id": 1, "bbox": [90, 0, 20, 50]}]}, "is not inside its image"),
        ({"categories": [{"id": 1, "name": "cow"}]}, "category 'cow' is not known; known are cat, dog"),
        ({"images": [{"id": 1, "file_name": "b.png", "width": 9, "height": 9}]}, "images are not in the folder: b.png"),
    ],
)
async def test_boxes_are_checked_for_sense(app: DatasetApp, change: dict[str, Any], reason: str) -> None:
    app.land(json.dumps(COCO | change).encode(), "landing/scans/", "labels.json")
    app.land(b"png", "landing/scans/", "a.png")

    result = await app.published(name="scans", folder="landing/scans/")

    assert (result.outcome, reason in result.because) == (Outcome.BAD_DATA if reason else Outcome.PUBLISHED, True)
    if not reason:
        assert app.manifest("scans", "1")["labels"] == {"cat": 1}


async def test_a_workspace_that_has_another_asset_of_the_name_is_said_and_tried_again(app: DatasetApp) -> None:
    app.assets["dev/churn-holdout:1"] = {"folder": "elsewhere", "tags": {}}
    app.land()
    result = await app.published()

    assert (result.outcome, result.registered) == (Outcome.PUBLISHED, ("preprod",))
    assert "dev: data churn-holdout:1 of dev is another" in result.unregistered[0]
    del app.assets["dev/churn-holdout:1"]
    again = await app.published()
    assert (again.outcome, again.registered) == (Outcome.ALREADY, ("dev", "preprod"))


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({"name": "unknown"}, 404, "data set 'unknown' is not configured"),
        ({"folder": "evaluation/nothing/"}, 404, "nothing lies in"),
        ({"folder": "evaluation/churn/next"}, 422, "container/folder/"),
        ({"folder": "signalbox/datasets/"}, 422, "of the hub's own containers"),
        ({"folder": "lab/churn/"}, 422, "is in hub lab, and data set churn-holdout is of dev, preprod"),
        ({"folder": "lab/churn/", "name": "judged"}, 422, "is in hub lab, and data set judged is of no environment"),
        ({"folder": "evaluation/mixed/"}, 422, "mixes .csv, .jsonl"),
        ({"folder": "evaluation/empty/"}, 422, "has an empty file: rows.csv"),
        ({"version": "a/b"}, 400, "version"),
        ({"runs": ["run-1"]}, 422, "'run-1', which is no run"),
        ({"versions": ["churn-holdout@9"]}, 422, "'churn-holdout@9', which was not published"),
        ({"files": ["signalbox/runs/run.json"]}, 422, "Signalbox's own record"),
    ],
)
async def test_what_cannot_be_published_is_refused_at_the_door(
    app: DatasetApp, body: dict[str, Any], status: int, detail: str
) -> None:
    configuration = app.clients.configuration
    vars(app.clients)["configuration"] = replace(configuration, hubs=(LAB_HUB,))
    app.land()
    app.land(folder="lab/churn/")
    app.land(b"", "evaluation/empty/")
    for name in ("a.csv", "b.jsonl"):
        app.land(b"x", "evaluation/mixed/", name)

    answered, answer = await app.publish(**{"version": "1", **body})

    assert (answered, detail in answer["detail"]) == (status, True), answer
    assert app.staged() == []
