"""Nothing that people, events or files send can make a regular expression of the app backtrack without end."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.architecture.ambiguity import exponential, quadratic

PROJECT = Path(__file__).parents[2]
FOLDERS = ("activities", "orchestrators", "shared", "triggers")  # Where anything from outside can come.
SOURCES = sorted(path for folder in FOLDERS for path in (PROJECT / folder).rglob("*.py"))

# What is quadratic by its form and not in fact, with the reason.
LOOKS_QUADRATIC = {"shared/domain/access/redaction.py": "it looks ahead once for each run of characters"}


def compiled() -> dict[tuple[str, int], str]:
    """Every compiled pattern at the top of a module, and where it is."""
    places = {}
    for path in SOURCES:
        inside = path.relative_to(PROJECT)
        module = importlib.import_module(".".join(part for part in inside.with_suffix("").parts if part != "__init__"))
        for value in vars(module).values():
            for each in value if isinstance(value, tuple) else (value,):
                if isinstance(each, re.Pattern):
                    places.setdefault((each.pattern, each.flags), inside.as_posix())
    return places


def test_no_expression_backtracks_without_end():
    """In one test: finding the patterns imports the whole app, which every worker would do while it collects."""
    places = compiled()

    assert len(places) > 40
    for (pattern, flags), place in places.items():
        if flags & re.MULTILINE:  # It is tried anew from every line.
            pattern = rf"(?:(?s:.*)\n)?{pattern}"
        assert not exponential(pattern, flags), (place, pattern)
        if place not in LOOKS_QUADRATIC:
            assert not quadratic(pattern, flags), (place, pattern)


# Compiled where they are used: the rules of requests, which are texts and a check of their own below; what the
# configuration writes, which is trusted; what is a single set of characters; words without any repetition; and what
# repeats possessively only.
ELSEWHERE = {
    ("shared/adapters/tables/csv_pieces.py", "compile"),
    ("shared/validation/rules.py", "fullmatch"),
    ("shared/config/fields.py", "fullmatch"),
    ("shared/config/paths.py", "search"),
    ("shared/domain/access/redaction.py", "sub"),
    ("shared/domain/promotion/models.py", "findall"),
    ("shared/domain/provisioning/starting_project.py", "sub"),
    ("shared/adapters/tables/labelled.py", "search"),
    ("triggers/http/openapi.py", "search"),
}


def test_every_other_expression_is_known():
    """A pattern inside a function is not seen by the test above."""
    calls = set()
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        calls |= {
            (path.relative_to(PROJECT).as_posix(), call.func.attr)
            for function in functions
            for call in ast.walk(function)
            if isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "re"
            and call.func.attr not in ("escape",)
        }

    assert calls <= ELSEWHERE


def test_the_rules_of_requests_do_not_either():
    rules = {
        rule.pattern
        for module in ("triggers.http.named_resources", "triggers.http.exchange.pages")
        for alias in vars(importlib.import_module(module)).values()
        for rule in getattr(alias, "__metadata__", ())
        if getattr(rule, "pattern", "")
    }

    assert len(rules) >= 4
    assert not [rule for rule in rules if exponential(rule) or quadratic(rule)]


@pytest.mark.parametrize(
    ("pattern", "blows_up", "squares"),
    [
        (r"(a+)+b", True, True),
        (r"(\w+\s?)*!", True, True),
        (r"(ab|[a-c][b-d])*x", True, True),
        (r"(.+)-(.+)-(.+)", False, True),
        (r"\s*\s*x", False, True),
        (r"(?:(?s:.*)\n)?^\s*signalbox:\s*(\S+)\s*$", False, True),
        (r"azureml://(?:.*/)?datastores/([^/]+)/paths/(.+)", False, True),
        (r"v?[0-9]+([._-][A-Za-z0-9]+)*", False, False),
        (r"[a-z0-9](-?[a-z0-9]){2,62}(/[^/]+)+", False, False),
    ],
)
def test_the_check_tells_good_from_bad(pattern, blows_up, squares):
    assert exponential(pattern) == blows_up
    assert (quadratic(pattern) or blows_up) == squares
