"""The forms in which callers send rows and scripts answer them; what has no rows says so."""

from typing import Any

import pytest

from shared.domain.answers.rows import UnreadableRows, input_rows, output_values

ROWS = [{"x": 1, "y": "a"}, {"x": 2, "y": None}]
SPLIT = {"columns": ["x", "y"], "data": [[1, "a"], [2, None]]}


@pytest.mark.parametrize(
    "data",
    [
        ROWS,
        {"data": ROWS},
        {"input_data": ROWS},
        {"input_data": {"data": ROWS}},
        SPLIT,
        SPLIT | {"index": [0, 1]},
        {"input_data": SPLIT | {"index": [0, 1]}, "params": {}},
        {"dataframe_split": SPLIT},
        {"dataframe_records": ROWS},
    ],
)
def test_rows_with_names_are_found_in_every_form(data: Any) -> None:
    assert input_rows(data) == ROWS


def test_one_record_is_one_row() -> None:
    assert input_rows({"x": 1, "data": 3}) == [{"x": 1, "data": 3}]


@pytest.mark.parametrize(
    "data",
    [
        None,
        3,
        "text",
        [],
        {},
        [[1, 2]],
        {"input_data": [[1]]},
        {"columns": ["x"]},
        {"columns": ["x"], "data": [[1, 2]]},
        {"columns": ["x"], "data": [3]},
        [{"x": 1}, 2],
        {"data": []},
    ],
)
def test_what_has_no_rows_with_names_says_so(data: Any) -> None:
    with pytest.raises(UnreadableRows):
        input_rows(data)


@pytest.mark.parametrize(
    ("data", "field", "outputs"),
    [
        ([1.5, "high"], "", [1.5, "high"]),
        ({"predictions": [1, 2]}, "", [1, 2]),
        ({"scores": [1, 2]}, "scores", [1, 2]),
        ([{"score": 1}, {"score": None}], "score", [1, None]),
        (7, "", [7]),
        ([[0.2, 0.8]], "", [[0.2, 0.8]]),
    ],
)
def test_outputs_are_a_list_a_member_or_a_column(data: Any, field: str, outputs: list[Any]) -> None:
    assert output_values(data, field) == outputs


@pytest.mark.parametrize(("data", "field"), [({"error": "x"}, ""), ([], ""), (None, ""), ([{"other": 1}], "score")])
def test_an_answer_without_outputs_says_so(data: Any, field: str) -> None:
    with pytest.raises(UnreadableRows):
        output_values(data, field)
