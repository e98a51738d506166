"""Training sets as they are written: immutable, by content, with manifest and lineage; image labels as well."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from shared import contracts as c
from shared.domain.retraining.rules import OnConflict, TrainingKind, TrainingRoute
from tests.retraining.conftest import RULES, RetrainingApp

SHELVES = TrainingRoute(
    name="shelves", take="labels/{file}.jsonl", kind=TrainingKind.BOXES, key=("image_url",), labels=("can",), files=9
)


def sets(app: RetrainingApp, route: str = "labels") -> list[str]:
    """The parts of every set, with its folder."""
    found = app.hub.list("signalbox-staging", f"training-sets/churn/{route}/")
    return [blob.path for blob in found if not blob.path.endswith("-manifest.json")]


def manifest(app: RetrainingApp, route: str = "labels") -> dict[str, Any]:
    found = [blob.path for blob in app.hub.list("signalbox-staging", f"training-sets/churn/{route}/")]
    path = next(path for path in found if path.endswith("-manifest.json"))
    return dict(json.loads(app.hub.read("signalbox-staging", path) or b"{}"))


def rows(app: RetrainingApp, path: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((app.hub.read("signalbox-staging", path) or b"").decode())))


async def test_a_set_has_every_row_once_and_says_what_it_is_made_of(app: RetrainingApp) -> None:
    app.hub.land("training/churn/newer.csv", b"y,id,x\n500.0,500,500\n777,501,501\n5,5,5\n")

    result = await app.by_hand()

    (part,) = sets(app)
    said = manifest(app)
    assert [row["id"] for row in rows(app, part)] == ["502", "503", "500", "501"]
    assert {row["id"]: row["y"] for row in rows(app, part)}["501"] == "777"
    assert said["dropped"] == {"duplicates": 1, "conflicts": 1, "held_out": 1, "on_conflict": "newest"}
    assert (said["rows"], said["columns"], said["run"]) == (4, ["id", "x", "y"], result.run)
    assert [member["path"] for member in said["members"]] == ["training/churn/first.csv", "training/churn/newer.csv"]
    assert all(len(member["sha256"]) == 64 and member["etag"] for member in said["members"])
    asset = app.data_assets.registered[f"dev/churn-labels:{said['version']}"]
    assert asset["folder"] == f"azureml://datastores/hub_staging/paths/{part.rpartition('/')[0]}"
    assert app.pipelines.asked["train-1"].data["labels"] == asset["folder"]


async def test_the_same_content_is_the_same_set_whenever_it_is_uploaded(app: RetrainingApp) -> None:
    app.change(limits=replace(RULES.limits, min_interval_s=0))
    await app.by_hand()
    before = {path: app.hub.writes[f"signalbox-staging/{path}"] for path in sets(app)}
    app.label("first")

    await app.by_hand(number=2)

    assert {path: app.hub.writes[f"signalbox-staging/{path}"] for path in sets(app)} == before
    assert len(app.data_assets.registered) == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,x\n1,2\n", "differ in the columns y"),
        (b"x,y\n1,2\n", "lacks the key columns id"),
        (b"id,x,y\n1,2\n", "row 1 (line 2) has 2 fields, the header has 3"),
        (b"id,id,y\n1,2,3\n", "repeats a column"),
    ],
)
async def test_files_that_do_not_fit_together_are_refused(app: RetrainingApp, content: bytes, said: str) -> None:
    app.hub.land("training/churn/other.csv", content)

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert said in result.because


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"id,x,y\n7,\xff,1\n", "is not CSV in UTF-8"),
        (b'id,x,y\n7,"' + b"x" * 200_000 + b'",1\n', "is not CSV in UTF-8"),
        (b"id,x,y\n7,1\n", "row 1 (line 2) has 2 fields"),
    ],
    ids=["no text", "no CSV", "no row"],
)
async def test_a_file_that_cannot_be_read_is_named_and_keeps_none_from_being_counted(
    app: RetrainingApp, content: bytes, said: str
) -> None:
    """It waits as any other, and starts a run that says what is wrong with it."""
    app.change(data=(replace(RULES.data[0], files=0, rows=6),))
    app.hub.land("training/churn/broken.csv", content)
    await app.tell(app.label("good", start=700))

    result = await app.retrained()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert "training/churn/broken.csv" in result.because
    assert said in result.because


async def test_conflicts_can_stop_a_run(app: RetrainingApp) -> None:
    app.change(data=(replace(RULES.data[0], conflicts=OnConflict.FAIL),))
    app.label("other", shift=1.0)

    assert "two different rows have one key" in (await app.by_hand()).because


async def test_image_labels_are_a_set_too(app: RetrainingApp) -> None:
    app.change(data=(*RULES.data, SHELVES))
    box = {"label": "can", "topX": 0.1, "topY": 0.1, "bottomX": 0.5, "bottomY": 0.5}
    lines = [json.dumps({"image_url": f"azureml://shelf/{n % 3}.jpg", "label": [box]}) for n in range(4)]
    app.hub.land("labels/monday.jsonl", "\n".join(lines).encode())

    await app.by_hand()

    (part,) = sets(app, "shelves")
    written = (app.hub.read("signalbox-staging", part) or b"").decode().splitlines()
    assert [json.loads(line)["image_url"] for line in written] == [f"azureml://shelf/{n}.jpg" for n in range(3)]
    assert manifest(app, "shelves")["dropped"]["duplicates"] == 1
    assert set(app.pipelines.asked["train-1"].data) == {"labels", "shelves", "holdout"}


@pytest.mark.parametrize("key", ["id", "image_url"])
async def test_no_box_of_an_image_of_the_holdout_is_trained_on(app: RetrainingApp, key: str) -> None:
    """Whatever names the hold-out's rows: an image is in it, or in the set, with all its boxes."""
    app.change(data=(SHELVES,))
    held = [f"{n},shelf/{n}.jpg,{n},{n}" for n in range(200)]
    app.hold_out("\n".join(["id,image_url,x,y", *held]), key)
    boxes = [{"label": "can", "topX": n / 10, "topY": 0, "bottomX": 1, "bottomY": 1} for n in range(3)]
    images = {"shelf/7.jpg": boxes, "aisle/1.jpg": [*boxes, boxes[0]], "aisle/2.jpg": boxes[:1], "aisle/3.jpg": []}
    lines = [json.dumps({"image_url": url, "label": label}) for url, label in images.items()]
    app.hub.land("labels/monday.jsonl", "\n".join(lines).encode())

    await app.by_hand()

    (part,), said = sets(app, "shelves"), manifest(app, "shelves")
    written = [json.loads(line) for line in (app.hub.read("signalbox-staging", part) or b"").splitlines()]
    assert [(image["image_url"], len(image["label"])) for image in written] == [
        ("aisle/1.jpg", 3),
        ("aisle/2.jpg", 1),
        ("aisle/3.jpg", 0),
    ]
    assert (said["rows"], said["parts"][0]["rows"], said["members"][0]["rows"]) == (4, 4, 8)
    assert {name: said["dropped"][name] for name in ("duplicates", "held_out")} == {"duplicates": 1, "held_out": 3}
    assert app.data_assets.registered[f"dev/churn-shelves:{said['version']}"]["tags"]["signalbox.rows"] == "4"


async def test_no_row_of_a_patient_of_the_holdout_is_trained_on(app: RetrainingApp) -> None:
    app.hold_out("\n".join(["id,patient,x,y", *(f"{n},p{n // 10},{n},{n}" for n in range(200))]), "id", "patient")
    app.hub.land("training/churn/first.csv", b"id,patient,x,y\n900,p3,1,1\n901,p77,1,1\n7,p78,1,1\n902,,1,1\n")

    await app.by_hand()

    (part,) = sets(app)
    assert [row["id"] for row in rows(app, part)] == ["901", "902"]
    assert manifest(app)["dropped"]["held_out"] == 2


async def test_training_rows_that_cannot_be_told_from_the_holdouts_are_refused(app: RetrainingApp) -> None:
    app.hold_out("\n".join(["id,patient,x,y", *(f"{n},p{n // 10},{n},{n}" for n in range(200))]), "id", "patient")

    result = await app.by_hand()

    assert result.outcome is c.RetrainingOutcome.FAILED
    assert "training/churn/first.csv lacks patient, which tells the rows and groups of the hold-out" in result.because


async def test_wrong_image_labels_stop_a_run_and_are_named(app: RetrainingApp) -> None:
    app.change(data=(*RULES.data, SHELVES))
    app.hub.land("labels/monday.jsonl", b'{"image_url": "a", "label": [{"label": "cat"}]}\nnonsense\n')

    because = (await app.by_hand()).because

    assert "labels/monday.jsonl has 2 wrong labels: line 1: box 0 has a label that is not known" in because
