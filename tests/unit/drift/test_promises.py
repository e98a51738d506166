"""The benches whose figures docs/measured-promises.md shows, in short: each table finds its promise kept."""

import pytest

from bench import drift_promises, gate_holdouts


@pytest.mark.parametrize("table", drift_promises.TABLES)
def test_what_drift_promises_holds_in_a_few_simulations(table):
    assert drift_promises.TABLES[table](3) == []


def test_hold_outs_that_once_passed_are_judged_as_the_page_says():
    assert gate_holdouts.case_table() == []
