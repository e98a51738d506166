"""Patterns and their intersection: what is matched, and the proof that two patterns overlap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.intersection import witness
from shared.domain.patterns import captures_of, fill, fixed_prefix, match


@pytest.mark.parametrize(
    ("pattern", "location", "captures"),
    [
        ("landing/{site}/{name}.csv", "landing/north/a.csv", {"site": "north", "name": "a"}),
        ("landing/{site}/{name}.csv", "landing/north/deep/a.csv", None),
        ("landing/{site}/{name}.csv", "landing/north/a.CSV", None),
        ("landing/**/{name}.csv", "landing/a.csv", {"name": "a"}),
        ("landing/**/{name}.csv", "landing/x/y/a.csv", {"name": "a"}),
        ("landing/**", "landing/x/y", {}),
        ("landing/*/a?.csv", "landing/x/a1.csv", {}),
        ("landing/{d}/{d}.csv", "landing/x/x.csv", {"d": "x"}),
        ("landing/{d}/{d}.csv", "landing/x/y.csv", None),
        ("landing/a.csv", "landing/aXcsv", None),
    ],
)
def test_matching(pattern, location, captures):
    assert match(pattern, location) == captures


def test_names_prefix_and_filling():
    assert captures_of("a/{x}/{y}.csv") == ("x", "y")
    assert fixed_prefix("a/b/{x}/*.csv") == "a/b/"
    assert fill("p/{x}/{run}", {"x": "1", "run": "r"}) == "p/1/r"
    with pytest.raises(KeyError):
        fill("p/{y}", {})


PIECES = st.sampled_from(["a", "b", "/", "*", "**/", "{x}", "?", "a/", "/**"])
PATTERNS = st.lists(PIECES, min_size=1, max_size=6).map(lambda pieces: "".join(pieces).replace("{x}{x}", "{x}"))


def independent(pattern: str) -> str:
    """The same pattern with every capture named apart, as the intersection reads it."""
    for number in range(pattern.count("{x}")):
        pattern = pattern.replace("{x}", f"{{x{number}}}", 1)
    return pattern


@given(PATTERNS, PATTERNS)
def test_a_witness_is_matched_by_both(left, right):
    left, right = independent(left), independent(right)
    path = witness(left, right)

    if path is not None:
        assert match(left, path) is not None
        assert match(right, path) is not None


@given(PATTERNS, PATTERNS, st.text(alphabet="ab/x", max_size=8))
def test_no_overlap_is_ever_missed(left, right, path):
    left, right = independent(left), independent(right)

    if match(left, path) is not None and match(right, path) is not None:
        assert witness(left, right) is not None


def test_the_time_grows_with_the_product_of_the_lengths_only():
    assert witness("*a" + "?" * 40 + "q", "*" + "a?" * 20 + "b") is None


def test_a_repeated_capture_errs_towards_an_overlap():
    assert match("a/{x}/{x}", "a/b/c") is None
    assert witness("a/{x}/{x}", "a/b/c") == "a/b/c"
