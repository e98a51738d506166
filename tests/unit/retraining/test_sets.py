"""One set of many files: every key once by its rule, every row accounted for, and boxes inside their images."""

import json
import re
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.failures import Refused
from shared.domain.retraining.boxes import canonical, read_boxes
from shared.domain.retraining.rules import OnConflict
from shared.domain.retraining.sets import Merge, Row, set_version
from tests.amounts import amount

Files = list[list[tuple[str, str]]]  # Oldest first; rows are key and content.


def merged(files: Files, rule: OnConflict, held_out: tuple[str, ...] = ()) -> tuple[list[tuple[str, str]], Merge]:
    merge = Merge(rule, held_out)
    for at in reversed(range(len(files))):
        for number, (key, content) in enumerate(files[at]):
            merge.offer(at, number, Row(key=(key,), line=content, held_out=(key,)))
    kept = [
        (key, content)
        for at, file in enumerate(files)
        for number, (key, content) in enumerate(file)
        if merge.takes(at, number, Row(key=(key,), line=content, held_out=(key,)))
    ]
    return kept, merge


@pytest.mark.parametrize(
    ("rule", "kept", "conflicts"),
    [
        (OnConflict.NEWEST, [("b", "1"), ("a", "2")], 1),
        (OnConflict.DROP, [("b", "1")], 2),
    ],
)
def test_a_conflict_is_decided_by_its_rule_and_counted(rule, kept, conflicts):
    found, merge = merged([[("a", "1"), ("b", "1")], [("a", "2"), ("b", "1")]], rule)

    assert sorted(found) == sorted(kept)
    assert (merge.dropped.conflicts, merge.dropped.duplicates) == (conflicts, 1)


def test_a_conflict_can_be_an_error():
    with pytest.raises(Refused, match="two different rows have one key: row 1 of one file and row 1 of an older one"):
        merged([[("a", "1")], [("a", "2")]], OnConflict.FAIL)


def test_within_a_file_the_later_row_is_the_newer_one():
    assert merged([[("a", "1"), ("a", "2")]], OnConflict.NEWEST)[0] == [("a", "2")]


def test_no_row_of_a_group_of_the_holdout_is_trained_on():
    merge = Merge(OnConflict.NEWEST, {"a"}, {"patient-1"})
    rows = [
        Row(key=(key,), line=key, held_out=(key, patient))
        for key, patient in (("a", "patient-9"), ("b", "patient-1"), ("c", "patient-2"), ("d", ""))
    ]
    for number, row in enumerate(rows):
        merge.offer(0, number, row)

    assert [row.line for number, row in enumerate(rows) if merge.takes(0, number, row)] == ["c", "d"]
    assert merge.dropped.held_out == 2


def test_a_row_of_the_holdout_is_never_trained_on():
    found, merge = merged([[("a", "1"), ("b", "1")]], OnConflict.NEWEST, ("a",))

    assert (found, merge.dropped.held_out) == ([("b", "1")], 1)


rows = st.tuples(st.sampled_from("abcd"), st.sampled_from("12"))


@given(st.lists(st.lists(rows, max_size=6), max_size=4), st.sampled_from([OnConflict.NEWEST, OnConflict.DROP]))
@settings(max_examples=amount(25, 100))
def test_every_row_is_kept_or_counted_and_every_key_is_there_once(files, rule):
    found, merge = merged(files, rule, ("d",))
    dropped = merge.dropped

    assert len({key for key, _ in found}) == len(found)
    if rule is OnConflict.NEWEST:
        assert len(found) + dropped.duplicates + dropped.conflicts + dropped.held_out == sum(map(len, files))
        assert {key for key, _ in found} == {key for file in files for key, _ in file} - {"d"}
    else:
        same = {key for key in "abc" if len({content for file in files for k, content in file if k == key}) == 1}
        assert {key for key, _ in found} == same


@given(st.lists(st.lists(rows, max_size=6), max_size=4), st.integers(0, 3))
@settings(max_examples=amount(15, 50))
def test_a_file_that_comes_again_changes_nothing(files, which):
    if which < len(files):
        again = [*files[:which], *files[which + 1 :], files[which]]  # The same rows in a newer file.
        before = set(merged(files, OnConflict.DROP)[0])
        assert set(merged(again, OnConflict.DROP)[0]) == before


def test_a_version_is_its_content():
    assert set_version("h", ["1", "2"]) == set_version("h", ["1", "2"])
    assert len({set_version("h", ["1", "2"]), set_version("h", ["2", "1"]), set_version("g", ["1", "2"])}) == 3


def image(*boxes: object, url: object = "azureml://x/1.jpg") -> str:
    return json.dumps({"image_url": url, "image_details": {"format": "jpg"}, "label": list(boxes)})


def box(label: object = "can", **sides: object) -> dict[str, object]:
    return {"label": label, "topX": 0.1, "topY": 0.1, "bottomX": 0.5, "bottomY": 1, "isCrowd": 0, **sides}


def test_boxes_inside_their_image_are_read_and_written_canonically():
    one, other = box(), box("carton", topX=0)

    read = [canonical(read_boxes(image(*boxes), ("can", "carton"))) for boxes in ((one, other), (other, one))]

    assert read[0] == read[1]
    assert json.loads(read[0][0])["image_details"] == {"format": "jpg"}


def test_a_box_that_is_written_twice_is_one_however_its_numbers_are_written():
    twice = [box(topX=0, bottomX=1), box(topX=0.0, bottomX=1.0), box("carton")]

    text, labels = canonical(read_boxes(image(*twice), ()))

    assert (labels, len(json.loads(text)["label"])) == (2, 2)


@pytest.mark.parametrize(
    ("rule", "conflicts"), [(OnConflict.NEWEST, 3), (OnConflict.DROP, 3 + 2)], ids=["newest", "drop"]
)
def test_what_is_dropped_of_images_is_counted_in_boxes(rule, conflicts):
    merge = Merge(rule, ["held.jpg"])
    newer, older = ("1.jpg", "newer", 2, 3), ("1.jpg", "older", 3, 3)
    for file, (url, line, labels, given_) in [(1, newer), (1, ("held.jpg", "h", 4, 5)), (0, older), (0, newer)]:
        merge.offer(file, 0, Row(key=(url,), line=line, held_out=(url,), labels=labels, given=given_))

    assert asdict(merge.dropped) == {"duplicates": 1 + 1 + 2, "conflicts": conflicts, "held_out": 5}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "it is not JSON"),
        ("[]", "it has no image_url"),
        (image(url=""), "it has no image_url"),
        ('{"image_url": "x"}', "label is not a list of boxes"),
        (image(7), "box 0 has no label"),
        (image(box(), box("")), "box 1 has no label"),
        (image(box("cat")), "box 0 has a label that is not known; known are can, carton"),
        (image(box(topX="0")), "needs topX, topY, bottomX, bottomY as numbers"),
        (image(box(topX=True)), "needs topX"),
        (image(box(bottomX=1.01)), "is not inside its image: (0.1, 0.1) to (1.01, 1) of 1 by 1"),
        (image(box(topX=-0.1)), "is not inside its image"),
        (image(box(topX=0.5)), "is not inside its image"),
        (image(box(bottomY=float("nan"))), "is not inside its image"),
    ],
)
def test_wrong_boxes_are_refused_with_what_is_wrong(line, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        read_boxes(line, ("can", "carton"))
