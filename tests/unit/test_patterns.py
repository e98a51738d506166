"""Patterns and their intersection: what is matched, in what time, and the proof that two patterns overlap."""

import re
import sys

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from shared.domain.paths import patterns
from shared.domain.paths.intersection import witness
from shared.domain.paths.patterns import (
    LONGEST_LOCATION,
    PatternError,
    captures_of,
    fill,
    fixed_prefix,
    match,
    unanchored,
)
from tests.amounts import amount


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


def by_backtracking(pattern: str, location: str) -> dict[str, str] | None:
    """What the regular expression captures that patterns were before: what matching means, in whatever time."""
    parts, seen = list[str](), set[str]()
    for token in re.split(r"(\{\w+\}|\*\*/?|\*|\?)", pattern):
        name = token[1:-1]
        if not (token.startswith("{") and token.endswith("}")):
            wildcards = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
            parts.append(wildcards.get(token, re.escape(token)))
            continue
        parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>[^/]+)")
        seen.add(name)
    matched = re.fullmatch("".join(parts), location, re.DOTALL)
    return matched.groupdict() if matched else None


RICH = st.lists(st.sampled_from([*"ab-/*?", "**/", "/**", "{x}", "{y}", "{z}", "{x}/", "/{x}/", "/{y}"]), max_size=7)


@settings(max_examples=amount(200, 1500))
@given(RICH.map("".join), st.text(alphabet="ab-/\n", max_size=9))
def test_it_matches_and_captures_as_the_regular_expression_did(pattern, location):
    assume(not unanchored(pattern))
    captures = match(pattern, location)

    assert captures == by_backtracking(pattern, location)
    assert captures is None or [*captures] == list(dict.fromkeys(captures_of(pattern)))


TEMPLATES = st.lists(
    st.sampled_from([*"ab-_/.*?", "**/", "/**/", "{p}", "{q}", "{r}", "{s}", "{t}", "{u}", "{v}", ".csv"]),
    min_size=2,
    max_size=14,
)


def lines_run(pattern: str, location: str) -> int:
    """How many lines of the matcher run: each does a bounded number of operations on numbers of the name's length."""
    count, before = 0, sys.gettrace()

    def trace(frame, event, argument):
        nonlocal count
        count += event == "line"
        return trace if frame.f_code.co_filename == patterns.__file__ else None

    sys.settrace(trace)
    try:
        match(pattern, location)
    finally:
        sys.settrace(before)
    return count


@given(TEMPLATES.map("".join), st.text(alphabet="ab-_/.", min_size=1, max_size=6))
def test_the_steps_grow_linearly_with_the_name(pattern, motif):
    """Every name is of Azure's greatest length, and built to be matched in as many ways as there are."""
    assume(not unanchored(pattern))
    match(pattern, "")  # The pattern is compiled before anything is counted.
    longest = (motif * 1024)[: 1024 - len(fixed_prefix(pattern))]
    hostile = [f"{fixed_prefix(pattern)}{longest}", f"{fixed_prefix(pattern)}{longest[:-5]}!.csv"]

    for name in hostile:
        assert lines_run(pattern, name) <= (4 + 3 * pattern.count("{")) * len(name) + 40 * len(pattern)


def test_the_name_that_stopped_the_app_for_seventeen_seconds():
    assert match("{year}-{month}-{day}-{name}", "-" * 430 + "/") is None
    assert match("{year}-{month}-{day}-{name}", "-" * 430)["name"] == "-"


def test_no_name_is_longer_than_azure_allows():
    assert match("c/**", "c/" + "n" * (LONGEST_LOCATION - 2)) == {}
    assert match("c/**", "c/" + "n" * (LONGEST_LOCATION - 1)) is None


@pytest.mark.parametrize(
    ("pattern", "free"),
    [
        ("landing/{d}/{d}.csv", ()),
        ("landing/{d}-{n}/{d}/{n}", ()),
        ("landing/**/{d}/{d}.csv", ()),
        ("landing/{d}/**/{d}-{n}.csv", ()),
        ("landing/**/{d}-{n}/**/{d}.csv", ("d",)),
        ("landing/{d}-{d}.csv", ("d",)),
        ("landing/**/{d}/**/{d}.csv", ("d",)),
    ],
)
def test_what_repeats_must_be_a_folder_somewhere(pattern, free):
    assert unanchored(pattern) == free
    if free:
        with pytest.raises(PatternError, match="repeats d"):
            match(pattern, "landing/x")


def test_a_value_that_repeats_is_read_from_its_folder():
    assert match("in/**/{d}/{d}-{n}.csv", "in/a/b/c/c-1.csv") == {"d": "c", "n": "1"}
    assert match("in/**/{d}/{d}-{n}.csv", "in/a/b/c/b-1.csv") is None
