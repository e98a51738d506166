"""The comparison of the demonstrations: it finds a prediction that is there twice, missing, wrong or no number."""

import math

import click
import pytest

from signalbox.cli.demonstrations.inference import largest_difference

DIRECT = {"ana": 1.0, "bo": 2.0}


def test_it_tells_the_largest_difference() -> None:
    assert largest_difference([("bo", 2.0), ("ana", 1.000001)], DIRECT) == pytest.approx(1e-6)


@pytest.mark.parametrize(
    "predictions",
    [
        [("ana", 1.0)],
        [("ana", 1.0), ("bo", 2.0), ("bo", 2.0)],
        [("ana", 1.0), ("cy", 2.0)],
        [("ana", 1.0), ("bo", 2.1)],
        [("ana", 1.0), ("bo", math.nan)],
        [("ana", math.nan), ("bo", 2.0)],
    ],
)
def test_it_fails_where_the_predictions_are_not_the_models(predictions: list[tuple[str, float]]) -> None:
    with pytest.raises(click.ClickException):
        largest_difference(predictions, DIRECT)
