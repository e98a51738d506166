"""What data call their rows, slices and columns is shown as it is: it is no markup of anybody's."""

import pytest

from shared.evidence_page.plots import intervals, movements, worst_rows

DIFFERENCE = {"metric": "mae", "estimate": 0.1, "low": 0.0, "high": 0.2}


@pytest.mark.parametrize("name", [r"a=$\frac$", "from $10 to $20", "<b>--><script>"])
def test_names_are_drawn_as_they_are(name: str) -> None:
    column = {"column": name, "part": "input", "effect": 0.2, "movement": "moved"}
    worst = {"key": name, "champion": "1", "challenger": "2"}

    drawn = (
        intervals({"evaluation": {"slices": [{"slice": name, "difference": DIFFERENCE}]}}),
        worst_rows({"agreement": {"worst": [worst]}}),
        movements([column], 0.1),
    )

    shown = name.replace("<", "&lt;").replace(">", "&gt;")
    assert [f"{shown}</text>" in plot for plot in drawn] == [True] * 3
