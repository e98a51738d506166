"""The history of what served as a chart: a row for each version, a bar for each stretch; and charts without words."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from shared.evidence_page.charts import BAD, GOOD, INK, Chart, round_axis, row_axis
from shared.evidence_page.serving_plots import ServedStretch, serving_plot

BEGAN = datetime(2026, 3, 1, tzinfo=UTC)


def stretch(name: str, since: float, until: float | None, share: int = 100, put_back: bool = False) -> ServedStretch:
    return ServedStretch(
        name=name,
        share=share,
        since=BEGAN + timedelta(hours=since),
        until=None if until is None else BEGAN + timedelta(hours=until),
        put_back=put_back,
    )


def bars(drawing: str, colour: str) -> list[float]:
    """The widths of the lines that have *colour*."""
    return [float(width) for width in re.findall(rf'stroke="{colour}" stroke-width="([0-9.]+)"', drawing)]


def test_nothing_has_served():
    assert serving_plot([], BEGAN) is None


def test_each_stretch_is_a_bar_as_thick_as_its_share_and_coloured_by_its_end():
    stretches = [stretch("1", 0, 5), stretch("2", 4, 5, share=5, put_back=True), stretch("3", 5, None, share=50)]
    chart = serving_plot(stretches, BEGAN + timedelta(hours=9))
    assert chart is not None
    drawing = chart.bare(560)

    assert [text for _, text in chart.y.ticks] == ["3", "2", "1"], "the newest is on top"
    (whole,), (little,), (half,) = (bars(drawing, colour) for colour in (INK, BAD, GOOD))
    assert whole > half > little > 0
    assert drawing.count("<circle") == 1, "what serves now ends in a dot"


def test_only_the_newest_versions_have_a_row():
    chart = serving_plot([stretch(str(n), n, n + 1) for n in range(40)], BEGAN + timedelta(hours=41))
    assert chart is not None
    assert [text for _, text in chart.y.ticks] == [str(n) for n in range(39, 27, -1)]


@pytest.mark.parametrize("hours", [0.01, 1, 30, 24 * 40, 24 * 365 * 3])
def test_the_axis_has_a_few_round_times_whatever_the_length(hours):
    chart = serving_plot([stretch("1", 0, None)], BEGAN + timedelta(hours=hours))
    assert chart is not None
    assert 1 <= len(chart.x.ticks) <= 7
    assert all(chart.x.low <= moment <= chart.x.high for moment, _ in chart.x.ticks)
    # A time of the day may come again, once the next day was named.
    days = "|".join(text for _, text in chart.x.ticks).split(" Mar|")
    assert all(len(set(day.split("|"))) == len(day.split("|")) for day in days)


def test_a_bare_drawing_has_the_marks_and_leaves_the_words_to_its_page():
    names = ["first <b>", "second"]
    chart = Chart(title="a title", x=round_axis([0, 1], "across"), y=row_axis(names), height=200)
    chart.name("a legend", GOOD)
    chart.line([(0, 0), (1, -1)], GOOD)
    chart.dots([(0.5, -1)], BAD)
    whole, bare = chart.svg(), chart.bare(340)

    assert 'viewBox="0 0 340 200"' in bare
    for part in ("<polyline", "<circle", ">second</text>", "first &lt;b&gt;"):
        assert part in whole
        assert part in bare
    for word in (">a title</text>", ">across</text>", ">a legend</text>"):
        assert word in whole
        assert word not in bare
    assert 'aria-label="a title"' in bare
    assert chart.legend == (("a legend", GOOD),)
