"""Which columns look as if they said what belongs together: by name or by shape, and only where values repeat."""

import numpy as np
import pytest

from shared.domain.metrics.group_hints import GroupHints


def hints(name, values, known=("id",)):
    read = GroupHints(("id", name), known)
    read.add_all([(str(number), str(value)) for number, value in enumerate(values)])
    return read.hints()


def repeated(make, values, rows):
    return [make(number % values) for number in range(rows)]


@pytest.mark.parametrize(
    ("name", "values", "suspected"),
    [
        ("patient", repeated("p{}".format, 20, 200), True),
        ("customerId", repeated(str, 20, 200), True),
        ("MACHINE_ID", repeated(str, 20, 1000), True),
        ("patient", [f"p{number}" for number in range(200)], False),  # Each is there once.
        ("site", repeated(str, 3, 200), False),  # A category: nothing could be resampled.
        ("age", repeated(str, 60, 600), False),
        ("width", repeated(str, 60, 600), False),  # Ends in "id" only as letters do.
        ("sex", repeated("fm".__getitem__, 2, 200), False),
        ("ref", repeated("AB-{:05d}".format, 30, 300), True),
        ("grade", repeated("A{:03d}".format, 10, 2000), False),  # Two hundred rows to a value.
        ("income", [str(30_000 + 7 * number % 500) for number in range(600)], False),
    ],
)
def test_a_column_is_suspected_by_name_or_shape(name, values, suspected):
    assert bool(hints(name, values)) is suspected


def test_the_hint_names_column_counts_and_remedy():
    (hint,) = hints("patient", repeated("p{}".format, 20, 200))

    assert str(hint).startswith("rows share values of 'patient' (20 values in 200 rows): ")
    assert "name it as `group` of the hold-out" in str(hint)
    assert np.bincount(hint.codes).tolist() == [10] * 20


def test_columns_whose_part_is_known_are_no_groups():
    assert not hints("patient", repeated(str, 20, 200), known=("id", "patient"))
