"""The evidence page says which look at the hold-out this was, what was counted, and what a reader should know."""

from dataclasses import replace

from shared.codec import encode
from shared.domain.gates.evidence import Evaluation
from shared.domain.metrics.paired import compare
from shared.domain.statistics.looks import Look
from shared.evidence_page import page

MEASURED = Evaluation(
    digest="sha256:1",
    rows=200,
    champion="churn:1",
    differences=(compare("mae", range(200), range(1, 201), range(200), groups=[n // 10 for n in range(200)]),),
    group="patient",
    groups=20,
    look=Look(number=3, since="2026-02-01T00:00:00+00:00"),
    notes=("rows share values of 'ward'",),
)


def shown(evaluation: dict) -> str:
    evidence = {"evaluation": evaluation, "agreement": None, "data_test": None, "api_test": None, "latency": None}
    assessment = {"stage": "preprod", "phase": "exit", "evidence": evidence, "verdicts": []}
    words = (
        "promotion",
        "written",
        "model",
        "from",
        "to",
        "stage",
        "phase",
        "requested_by",
        "reason",
        "plan",
        "bundle",
    )
    lists = ("contents", "champions", "changed", "undo", "asked")
    pack = dict.fromkeys(words, "x") | {name: [] for name in lists}
    return page(pack | {"lineage": {}, "assessments": [assessment], "expires_after_s": 60}, "sha256:2")


def test_look_groups_and_notes_are_shown():
    text = shown(encode(MEASURED))

    assert "200 rows in 20 groups by patient, which are what is counted" in text
    assert "This is look 3 at this version of it since 2026-02-01; 12 in a year are expected" in text
    assert "That is more than expected" not in text
    assert "rows share values of &#39;ward&#39;." in text


def test_a_look_beyond_those_expected_asks_for_a_fresh_hold_out():
    text = shown(encode(replace(MEASURED, look=Look(number=13, since="2026-02-01T00:00:00+00:00"))))

    assert "land a fresh hold-out" in text


def test_evidence_that_was_recorded_before_is_shown_as_it_was():
    older = {
        name: value for name, value in encode(MEASURED).items() if name not in ("group", "groups", "look", "notes")
    }

    assert "Hold-out of 200 rows, <code>" in shown(older)
