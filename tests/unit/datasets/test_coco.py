"""Annotations make sense: boxes inside their images, known classes, nothing twice; each fault is named."""

import json
from typing import Any

import pytest

from shared.domain.datasets.coco import read_box_lines, read_coco

IMAGE = {"id": 1, "file_name": "a.png", "width": 100, "height": 50}
CAT = {"id": 7, "name": "cat"}
BOX = {"image_id": 1, "category_id": 7, "bbox": [10, 10, 20, 20]}


def document(**parts: Any) -> dict[str, Any]:
    return {"images": [IMAGE], "categories": [CAT], "annotations": [BOX], **parts}


def test_what_makes_sense_is_counted_by_label() -> None:
    facts = read_coco(document(annotations=[BOX, {**BOX, "bbox": [0, 0, 100, 50]}]), ["cat", "dog"], ["labels.json"])

    assert (facts.images, facts.labels, facts.problems) == (1, {"cat": 2}, ())


@pytest.mark.parametrize(
    ("parts", "fault"),
    [
        ({"annotations": [{**BOX, "bbox": [-1, 0, 5, 5]}]}, "annotation 0 is not inside its image: (-1, 0, 5, 5)"),
        ({"annotations": [{**BOX, "bbox": [90, 0, 11, 5]}]}, "in a.png of 100 by 50"),
        ({"annotations": [{**BOX, "bbox": [0, 0, 0, 5]}]}, "is not inside"),
        ({"annotations": [{**BOX, "bbox": [0, 0, float("nan"), 5]}]}, "needs bbox"),
        ({"annotations": [{**BOX, "bbox": [0, 0, 10**400, 5]}]}, "needs bbox"),
        ({"annotations": [{**BOX, "image_id": 2}]}, "has image_id 2, which no image has"),
        ({"annotations": [{**BOX, "image_id": [1]}]}, "which no image has"),
        ({"annotations": [{**BOX, "category_id": True}]}, "which no category has"),
        ({"annotations": ["box"]}, "has image_id None"),
        ({"categories": [{"id": 7, "name": "cow"}]}, "category 'cow' is not known; known are cat, dog"),
        ({"categories": [CAT, CAT]}, "category 1 (cat) is there twice"),
        ({"images": [IMAGE, {**IMAGE, "id": 2}]}, "image 1 (a.png) is there twice"),
        ({"images": [{**IMAGE, "width": 0}]}, "needs a width and a height above 0"),
        ({"images": [{**IMAGE, "file_name": ""}]}, "needs an id and a file_name"),
        ({"images": {}}, "images is not a list"),
        ({"images": [], "annotations": []}, "it has no images"),
    ],
)
def test_each_fault_is_named(parts: dict[str, Any], fault: str) -> None:
    facts = read_coco(document(**parts), ["cat", "dog"], [])

    assert any(fault in problem for problem in facts.problems), facts.problems


def test_a_thousand_faults_are_counted_and_ten_are_named() -> None:
    facts = read_coco(document(annotations=[{**BOX, "bbox": [0, 0, 999, 1]}] * 1000), [], [])

    assert (facts.wrong, len(facts.problems)) == (1000, 10)


def test_images_that_were_forgotten_are_named_where_others_lie_there() -> None:
    images = [IMAGE, {**IMAGE, "id": 2, "file_name": "b.png"}, {**IMAGE, "id": 3, "file_name": "https://host/c.png"}]

    assert read_coco(document(images=images), [], ["labels.json"]).problems == ()
    partial = read_coco(document(images=images), [], ["labels.json", "a.png"])
    assert partial.problems == ("1 of 3 images are not in the folder: b.png",)


def test_lines_are_checked_alike() -> None:
    box = {"label": "cat", "topX": 0.1, "topY": 0.1, "bottomX": 0.5, "bottomY": 0.5}
    good = json.dumps({"image_url": "a.png", "label": [box]})
    bad = json.dumps({"image_url": "b.png", "label": [{**box, "bottomX": 1.5}]})

    assert read_box_lines([good, "\n"], ["cat"], []).labels == {"cat": 1}
    facts = read_box_lines([good, good, bad, "{"], ["cat"], [])
    assert [problem.partition(":")[0] for problem in facts.problems] == ["line 2", "line 3", "line 4"]


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_what_is_no_document_is_said(content: Any) -> None:
    assert read_coco(content, [], []).wrong == 1
