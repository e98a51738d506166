"""The page of a rollout's step: the same bytes for the same figures, every number as text, no HTML of others."""

import math
import re
from dataclasses import replace

import pytest

from shared.domain.statistics.sequential.rollout_evidence import RolloutEvidence, RoutedUnit
from shared.domain.statistics.sequential.verdicts import evidence_text, judge_rollout
from shared.evidence_page.charts import GRID
from shared.evidence_page.rollout import step_page
from shared.evidence_page.rollout_figures import ExampleRequest, StepFigures, look_of
from shared.evidence_page.rollout_plots import share_plot
from tests.unit.rollout.test_verdicts import TEST, look, traffic

DIGEST = "sha256:" + "5" * 64


def figures_of(canary_rate: float, looks: int) -> StepFigures:
    evidence, lines = RolloutEvidence(), []
    for number in range(looks):
        blocks = traffic(range(5 * number, 5 * number + 5), canary_rate, 0.01)
        evidence = look(blocks, 10, evidence)
        units = sum(block.canary for block in blocks), sum(block.champion for block in blocks)
        lines.append(look_of(f"2026-03-01T10:{5 * number:02}:00+00:00", 10, units, judge_rollout(evidence, TEST)))
    return StepFigures(
        rollout="rollout-1",
        endpoint="diabetes-online",
        canary="diabetes:8",
        champion="diabetes:7",
        number=1,
        steps=4,
        percent=10,
        since="2026-03-01T10:00:00+00:00",
        written="2026-03-01T11:00:00+00:00",
        unit=RoutedUnit.REQUEST,
        confidence=TEST.confidence,
        judgement=judge_rollout(evidence, TEST),
        looks=tuple(lines),
    )


@pytest.mark.parametrize(("rate", "looks"), [(0.01, 6), (0.1, 6), (0.02, 1), (0.0, 0)])
def test_the_same_figures_give_the_same_bytes(rate, looks):
    assert step_page(figures_of(rate, looks), DIGEST) == step_page(figures_of(rate, looks), DIGEST)


def test_what_is_drawn_is_written_in_tables_too():
    figures = figures_of(0.1, 6)
    (errors,) = figures.judgement.comparisons
    text = step_page(figures, DIGEST)

    assert text.count("<svg") == 3
    assert '<span class="abort">abort</span>: The canary is worse in errors' in text
    assert f"{errors.canary_bad} of {errors.canary}</td>" in text
    assert f"{errors.odds_ratio.estimate:.3g} ({errors.odds_ratio.low:.3g} to {errors.odds_ratio.high:.3g})" in text
    assert DIGEST in text
    for number, line in enumerate(figures.looks, 1):
        assert re.search(
            rf"<td>{number}</td><td class=\"whole\">{line.at[:19]}</td><td>10 %</td><td>{line.canary}<", text
        )


def test_a_step_without_a_look_says_so():
    text = step_page(figures_of(0.0, 0), DIGEST)

    assert "Nothing has been looked at yet." in text
    assert '<span class="no-data">no data</span>' in text
    assert "<svg" not in text


def test_what_callers_sent_is_no_html():
    request = ExampleRequest(at="2026-03-01T10:00:00", arm="canary", identity="<script>x</script>", because="424 <b>")
    text = step_page(replace(figures_of(0.1, 1), examples=(request,), canary="<i>m</i>:$1$"), DIGEST)

    assert "&lt;script&gt;x&lt;/script&gt;" in text
    assert "<script" not in text
    assert "<i>" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e-5, "less than 0.001"),
        (0.4786, "0.479"),
        (999.9999, "1,000"),
        (12345, "12,300"),
        (1e12, "more than 1,000,000,000"),
    ],
)
def test_evidence_is_written_as_people_write_figures(value, text):
    assert evidence_text(math.log(value)) == text


def test_a_step_of_one_look_shows_the_weight_that_was_set():
    one, two = (share_plot(figures_of(0.01, looks).looks).svg().count(GRID) for looks in (1, 2))

    assert two > one > 1  # A line of the grid, and one of the weight, for each look.
