"""The drift detector: false alarms, power, attribution, and what it says when it cannot know."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.drift_statistics import RULE, WORLDS, at_distance, counted, limit, reference_of, share, shifted, unmoved
from shared.codec import decode, encode
from shared.domain.data.reference_profile import ProfileError, parse_profile
from shared.domain.drift.detector import detect
from shared.domain.drift.reference import ModelReference, parse_reference
from shared.domain.drift.relevance import relevance
from shared.domain.drift.rule import DriftOutcome, DriftRule, Part
from shared.domain.drift.window import Counted
from shared.domain.statistics.shifts import Movement, corrected_variation, rows_needed, total_variation
from tests.amounts import amount
from tests.drift.references import response_of

USUAL = DriftRule(alpha=0.01, effect=0.2, minimum_rows=50)


def patients(seed, rows, **moved):
    """The score is 3 weight + height; `shoe` has nothing to do with it, `site` a little."""
    chance = np.random.default_rng(seed)
    columns = {name: chance.normal(moved.get(name, 0.0), 1, rows) for name in ("weight", "height", "shoe")}
    columns["site"] = chance.choice(["north", "south"], rows, p=[0.5, 0.5])
    return columns | {"output": 3 * columns["weight"] + columns["height"] + (columns["site"] == "north")}


def learned(seed=0, rows=2000, **kept):
    columns = patients(seed, rows)
    plain = reference_of(columns)
    inputs = {name: each for name, each in columns.items() if name != "output"}
    responses = {
        name: response_of(values, plain.inputs.columns[name], columns["output"]) for name, values in inputs.items()
    }
    return replace(plain, responses=responses, relevance=relevance(columns, "output", resamples=10), **kept)


@pytest.fixture(scope="module")
def reference():
    return learned()


def verdict(reference, rows, rule=USUAL):
    return detect(reference, counted(rows, reference), rule)


@pytest.mark.parametrize("world", ["normal", "mostly zero", "numbers and categories", "a tenth missing"])
def test_false_alarms_are_as_rare_as_alpha_says(world):
    """The short version of bench/drift_statistics.py."""
    alarms = share(WORLDS[world], 200, 60, 60, RULE, unmoved)[DriftOutcome.DRIFTED]

    assert alarms / 60 <= limit(RULE.alpha, 60)


def test_a_stated_shift_is_found_with_the_stated_power():
    rule = DriftRule(alpha=0.01, effect=0.19, minimum_rows=50)
    rows = rows_needed(1000, rule, family=11)
    found = share(WORLDS["normal"], 1000, rows, 40, rule, shifted(0.6))[DriftOutcome.DRIFTED]

    assert found / 40 >= rule.power  # The shift's distance is 0.236, above the smallest that counts.


def test_what_did_not_move_is_none_once_there_are_rows_enough(reference):
    assert verdict(reference, patients(1, 600)).outcome is DriftOutcome.NONE


def test_what_moved_is_named_with_its_part(reference):
    found = verdict(reference, patients(1, 600, weight=0.8, shoe=0.8))

    assert found.outcome is DriftOutcome.DRIFTED
    assert [each.column for each in found.moved if each.part is Part.INPUT] == ["weight", "shoe"]
    weight, shoe = (next(each for each in found.moved if each.column == name) for name in ("weight", "shoe"))
    assert weight.share > 0.9
    assert weight.share + shoe.share == pytest.approx(1)
    assert weight.score_shift == pytest.approx(3 * 0.8, rel=0.15)
    assert abs(shoe.score_shift) < 0.3
    assert found.by == "expected shift of the score"


def test_the_scores_shift_is_measured_and_foreseen(reference):
    found = verdict(reference, patients(1, 600, weight=0.8)).score

    assert found.movement is Movement.MOVED
    assert found.low < 3 * 0.8 < found.high
    assert found.expected == pytest.approx(3 * 0.8, rel=0.2)


def test_an_irrelevant_column_alone_is_no_drift_where_the_score_must_move(reference):
    moved = patients(1, 1200, shoe=0.8)
    strict = replace(USUAL, score_must_move=True)

    assert verdict(reference, moved).outcome is DriftOutcome.DRIFTED
    said = verdict(reference, moved, strict)
    assert (said.outcome, said.because) == (DriftOutcome.NONE, "shoe moved, and the score did not")
    assert verdict(reference, patients(1, 1200, weight=0.8), strict).outcome is DriftOutcome.DRIFTED


def test_where_the_score_may_have_moved_the_rows_that_decide_are_those_for_the_score(reference):
    found = verdict(reference, patients(1, 80, shoe=1.5), replace(USUAL, effect=0.12, score_must_move=True))

    assert found.outcome is DriftOutcome.INCONCLUSIVE
    assert found.because == f"shoe moved, and the score may have: about {found.needed} rows would decide"


@pytest.mark.parametrize(("column", "outcome"), [("weight", DriftOutcome.DRIFTED), ("shoe", DriftOutcome.INCONCLUSIVE)])
def test_without_outputs_relevance_says_where_the_score_would_move_and_never_where_not(reference, column, outcome):
    silent = replace(counted(patients(1, 1200, **{column: 0.8}), reference), outputs={}, moments={}, answers=0)

    assert detect(reference.inputs_alone, silent, replace(USUAL, score_must_move=True)).outcome is outcome


def test_without_outputs_and_relevance_nobody_knows_whether_the_score_would_move(reference):
    bare = ModelReference(inputs=reference.inputs)
    window = counted(patients(1, 600, weight=0.8), bare)
    said = detect(bare, window, replace(USUAL, score_must_move=True))

    assert (said.outcome, said.score.movement) == (DriftOutcome.INCONCLUSIVE, Movement.UNKNOWN)
    assert detect(bare, window, USUAL).outcome is DriftOutcome.DRIFTED
    assert detect(bare, window, USUAL).by == "distance"


def test_a_change_too_small_to_matter_is_no_drift_however_many_rows_show_it():
    reference = learned(rows=20_000)
    found = verdict(reference, patients(1, 20_000, weight=0.1))
    weight = next(each for each in found.columns if each.column == "weight")

    assert weight.adjusted_p < 1e-6
    assert found.outcome is DriftOutcome.NONE


def test_too_few_rows_are_inconclusive_and_say_how_many_decide(reference):
    fine = replace(USUAL, effect=0.15)
    few, more = (verdict(reference, patients(1, rows), fine) for rows in (20, 60))

    assert (few.outcome, more.outcome) == (DriftOutcome.INCONCLUSIVE, DriftOutcome.INCONCLUSIVE)
    assert f"about {more.needed} rows would decide" in more.because
    assert verdict(reference, patients(2, more.needed), fine).outcome is DriftOutcome.NONE


def test_a_reference_too_small_for_any_window_says_so():
    found = verdict(learned(rows=60), patients(1, 5000), replace(USUAL, effect=0.1))

    assert (found.outcome, found.needed) == (DriftOutcome.INCONCLUSIVE, None)
    assert "the reference has too few rows" in found.because


def test_values_that_go_missing_are_drift(reference):
    rows = patients(1, 600)
    rows["height"] = np.where(np.random.default_rng(3).random(600) < 0.4, np.nan, rows["height"])
    rows["output"] = patients(1, 600)["output"]
    found = verdict(reference, rows)

    assert [(each.column, each.part) for each in found.moved] == [("height", Part.MISSING)]
    assert found.because == "height (missing values) moved"


def test_a_new_category_is_drift(reference):
    rows = patients(1, 600)
    rows["site"] = np.where(np.random.default_rng(3).random(600) < 0.4, "west", rows["site"])
    found = verdict(reference, rows)

    assert "site" in [each.column for each in found.moved]


def test_an_empty_window_is_inconclusive(reference):
    assert detect(reference, Counted(), USUAL).outcome is DriftOutcome.INCONCLUSIVE


def test_missing_evidence_never_passes(reference):
    """A column that the window lacks is undecided, whatever the others say."""
    window = counted(patients(1, 5000), reference)
    without = replace(window, inputs={name: each for name, each in window.inputs.items() if name != "weight"})

    assert detect(reference, without, USUAL).outcome is not DriftOutcome.NONE


@settings(max_examples=amount(8, 25), deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=6), order=st.randoms(use_true_random=False))
def test_a_window_is_the_same_however_it_came(cuts, order):
    reference = _SMALL
    rows = patients(5, 300, weight=0.5)
    ends = sorted({0, *cuts, 300})
    parts = [
        counted({name: values[low:high] for name, values in rows.items()}, reference) for low, high in pairwise(ends)
    ]
    order.shuffle(parts)
    merged = Counted()
    for part in parts:
        merged = merged.merged(part)
    whole = counted(rows, reference)

    assert (merged.rows, merged.inputs, merged.outputs) == (whole.rows, whole.inputs, whole.outputs)
    assert merged.moments["output"].mean == pytest.approx(whole.moments["output"].mean)
    assert merged.moments["output"].squares == pytest.approx(whole.moments["output"].squares)


_SMALL = learned(rows=300)


def test_reference_window_and_verdict_survive_json(reference):
    window = counted(patients(1, 100), reference)

    assert parse_reference(json.loads(json.dumps(reference.to_dict()))) == reference
    assert decode(Counted, json.loads(json.dumps(encode(window)))) == window
    assert json.loads(json.dumps(verdict(reference, patients(1, 600)).to_dict()))["outcome"] == "none"


def test_the_data_check_reads_the_reference_as_a_profile(reference):
    assert parse_profile(json.loads(json.dumps(reference.to_dict()))) == reference.inputs
    assert parse_reference(reference.inputs.to_dict()) == ModelReference(inputs=reference.inputs)


@pytest.mark.parametrize(
    "wrong",
    [
        {"outputs": {"y": {"kind": "numeric", "breakpoints": [2, 1], "cells": [0, 0, 0]}}},
        {"responses": {"x": {"edges": [1, 2], "means": [1]}}},
        {"relevance": {"features": [{}]}},
        {"outputs": 3},
    ],
)
def test_a_broken_reference_is_refused(reference, wrong):
    with pytest.raises(ProfileError):
        parse_reference(reference.to_dict() | wrong)


def test_windows_of_other_references_are_not_added(reference):
    other = learned(seed=9, rows=200)
    with pytest.raises(ValueError, match="same reference"):
        counted(patients(1, 50), reference).merged(counted(patients(1, 50), other))


def test_total_variation_is_half_the_sum_of_differences():
    assert total_variation([5, 5], [10, 0]) == pytest.approx(0.5)


def test_total_variation_of_many_categories_is_corrected_for_chance():
    chance = np.random.default_rng(90)
    samples = [[chance.multinomial(rows, [1 / 90] * 90).tolist() for rows in (2000, 200)] for _ in range(100)]

    assert np.mean([total_variation(*each) for each in samples]) > 0.2
    assert np.mean([corrected_variation(*each) for each in samples]) < 0.03
    assert corrected_variation([1000, 1000], [600, 1400]) == pytest.approx(0.2)
    assert corrected_variation([1000, 0], [0, 100]) == pytest.approx(1.0)


@pytest.mark.parametrize("kind", ["numbers", "2 categories"])
def test_a_distance_of_exactly_the_smallest_effect_is_seldom_called_none(kind):
    """The short version of bench/drift_statistics.py: at most 1 - power of the windows."""
    world, move = at_distance(kind, USUAL.effect)
    verdicts = share(world, 1000, 200, 100, replace(USUAL, minimum_rows=20), move)

    assert verdicts[DriftOutcome.NONE] / 100 <= limit(1 - USUAL.power, 100)


def test_what_cannot_be_tested_is_not_called_steady(reference):
    """A constant that is replaced wholly by another one has no category that is frequent on both sides."""
    constant = learned_constant("north")
    window = counted({"site": np.array(["south"] * 200)}, constant)

    assert detect(constant, window, USUAL).outcome is DriftOutcome.DRIFTED


def learned_constant(name):
    return reference_of({"site": np.array([name] * 300)})


def test_two_inputs_that_matter_only_together_are_not_called_harmless():
    """The target is the exclusive or of two inputs, of which neither tells anything by itself."""
    chance = np.random.default_rng(6)
    left, right = (chance.integers(0, 2, 2000).astype(float) for _ in range(2))
    columns = {"left": left, "right": right, "output": np.abs(left - right)}
    learned_of = replace(reference_of(columns), relevance=relevance(columns, "output", resamples=10))
    moved = {"left": np.ones(600), "right": np.ones(600)}
    window = replace(counted(moved | {"output": np.zeros(600)}, learned_of), outputs={}, moments={}, answers=0)
    found = detect(learned_of.inputs_alone, window, replace(USUAL, score_must_move=True))

    assert learned_of.relevance.selected == ()
    assert (found.outcome, found.score.movement) == (DriftOutcome.INCONCLUSIVE, Movement.UNKNOWN)
