"""Batch output beside what the online deployment answers: the key and the prediction are found in its fields."""

import pytest

from shared.domain.promotion.batch_outputs import AskedRow, compare_outputs

ASKED = [AskedRow(key="a", answer=1.5), AskedRow(key="b", answer=2.5)]


@pytest.mark.parametrize(
    ("lines", "field", "deviating"),
    [
        (["f.csv a 1.5", "f.csv b 2.5"], 0, 0),
        (["f.csv b 2.5", "f.csv a 1.5"], 0, 0),  # By the key, in whatever order.
        (["0 1.5 f.csv", "1 2.5 f.csv"], 0, 0),  # As Azure ML's generated script writes, by the order.
        (["f.csv a 1.5000001 0.9", "f.csv b 2.5 0.8"], 0, 0),
        (["f.csv a 1.5 0.9", "f.csv b 2.5 0.8"], 4, 2),
        (["f.csv a 1.5", "f.csv b 9"], 0, 1),
        (["f.csv a nan", "f.csv b nan"], 3, 2),
        (["f.csv a 1.5", "f.csv b 2.5"], 9, 2),  # No such field.
    ],
)
def test_rows_are_compared_by_their_keys_and_the_field_that_agrees(
    lines: list[str], field: int, deviating: int
) -> None:
    difference = compare_outputs([f"{line}\n" for line in lines], ASKED, 1e-6, field)

    assert (difference.compared, difference.deviating) == (2, deviating)


def test_a_difference_names_its_row_and_field_and_no_value() -> None:
    difference = compare_outputs(
        ["a red", "b blue"], [AskedRow(key="a", answer="red"), AskedRow(key="b", answer="x")], 0, 0
    )

    assert difference.example == "row 2 of those asked, field 2 of the output"
