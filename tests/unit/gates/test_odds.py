"""What a plan says of a gate before anything is measured, and that a simulation agrees."""

import numpy as np
import pytest

from shared.domain.gates.champion import BetterThanChampion
from shared.domain.gates.evidence import Evaluation
from shared.domain.gates.odds import HoldoutFacts, chance_to_pass, odds_of
from shared.domain.statistics.looks import Look

FACTS = HoldoutFacts(digest="sha256:a", rows=250, slices={"sex=f": 100, "sex=m": 150})
FIRST = Look(number=1, expected=12)


def test_the_plan_names_look_confidence_chances_and_slices():
    options = BetterThanChampion(metric="mae", slices=("sex=f", "sex=m"))

    first, second, third = odds_of(options, FACTS, FIRST)

    assert first == (
        "mae: look 1 of this version of the hold-out in its year (12 are expected), so at confidence 0.9962: at most"
        " 0.19% of equal challengers pass"
    )
    assert second == (
        "mae: on 250 rows a challenger that is better by 0.1, 0.2, 0.5 standard deviations of the rows' differences"
        " passes with a chance of about 9%, 61%, 100%"
    )
    assert third == "mae: 2 slices (no_harm) together hold back an equal challenger in at most 2.5%"


def test_proof_in_every_slice_is_said_to_hold_equal_models():
    facts = HoldoutFacts(digest="", rows=4000, slices={f"s={number}": 200 for number in range(20)})
    options = BetterThanChampion(metric="mae", slices=tuple(facts.slices), slice_rule="proven")

    sentences = odds_of(options, facts, FIRST)

    assert "20 slices (proven) together hold back an equal challenger in about 100.0%" in sentences[2]


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (
            HoldoutFacts(digest="", rows=60),
            "mae: 60 rows, at least 100 are needed; until then the gate is inconclusive",
        ),
        (
            HoldoutFacts(digest="", rows=200, groups=9),
            "mae: 9 groups, at least 20 are needed; until then the gate is inconclusive",
        ),
        (
            HoldoutFacts(digest="", rows=200, slices={}),
            "mae: slice sex=f has no row; until then the gate is inconclusive",
        ),
        (
            HoldoutFacts(digest="", rows=2000, slices={"sex=f": 60}),
            "mae: slice sex=f has 60 rows, at least 100 are needed; until then the gate is inconclusive",
        ),
        (
            HoldoutFacts(digest="", rows=2000, groups=90, slices={"sex=f": 19}),
            "mae: slice sex=f has 19 groups, at least 20 are needed; until then the gate is inconclusive",
        ),
        (HoldoutFacts(digest="", rows=200, hints=("rows share",)), "rows share"),
    ],
)
def test_what_can_only_be_inconclusive_is_said_before(facts, said):
    assert said in odds_of(BetterThanChampion(metric="mae", slices=("sex=f",)), facts, FIRST)


@pytest.mark.parametrize("rule", ["no_harm", "proven"])
def test_the_chance_is_that_of_a_simulation(rule):
    """Of normal differences in two slices: z-tests of known spread."""
    options = BetterThanChampion(metric="mae", slices=tuple(FACTS.slices), slice_rule=rule)
    measured = Evaluation(digest="", rows=250, look=None)
    rows = np.random.default_rng(1).normal(0.25, 1, (4000, 250))
    parts = {"": rows, "sex=f": rows[:, :100], "sex=m": rows[:, 100:]}
    z = {name: part.mean(axis=1) * np.sqrt(part.shape[1]) for name, part in parts.items()}
    passing = z[""] > 1.96
    for name in FACTS.slices:
        passing &= z[name] > 1.96 if rule == "proven" else z[name] > -2.2414

    stated = chance_to_pass(options, FACTS, measured, 0.25)

    # Slices are part of the whole: together they pass a little more often than independent ones.
    assert stated == pytest.approx(passing.mean(), abs=0.05 if rule == "proven" else 0.02)
