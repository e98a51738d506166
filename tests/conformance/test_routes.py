"""Routes of HTTP triggers."""

import pytest

from tests.conformance.client import Client


@pytest.mark.parametrize(
    ("path", "function", "value"),
    [
        ("int/12", "an_int", "12"),
        ("int/-12", "an_int", "-12"),
        ("long/12345678901", "a_long", "12345678901"),
        ("bool/true", "a_bool", "true"),
        ("bool/FALSE", "a_bool", "FALSE"),
        (
            "guid/6f9619ff-8b86-d011-b42d-00c04fc964ff",
            "a_guid",
            "6f9619ff-8b86-d011-b42d-00c04fc964ff",
        ),
        ("alpha/abcXYZ", "letters", "abcXYZ"),
        ("decimal/1.5", "a_decimal", "1.5"),
        ("double/1.5e3", "a_double", "1.5e3"),
        ("datetime/2026-01-31", "a_moment", "2026-01-31"),
        ("length/abc", "three_long", "abc"),
        ("lengths/abcd", "two_to_four_long", "abcd"),
        ("minlength/abcdef", "three_or_longer", "abcdef"),
        ("maxlength/ab", "three_or_shorter", "ab"),
        ("min/10", "ten_or_more", "10"),
        ("max/-3", "ten_or_less", "-3"),
        ("range/15", "ten_to_twenty", "15"),
        ("range/20", "ten_to_twenty", "20"),
        ("regex/abcab", "a_pattern", "abcab"),
        ("required/x", "required", "x"),
        ("file/a/b/report.txt", "a_file", "a/b/report.txt"),
        ("file/.gitignore", "a_file", ".gitignore"),
        ("nonfile/a.b/report", "no_file", "a.b/report"),
        ("nonfile/report.", "no_file", "report."),
        ("both/5", "both", "5"),
    ],
)
def test_a_value_that_meets_its_constraint_is_found(host: Client, path: str, function: str, value: str) -> None:
    assert host.get(f"/api/{path}").json() == [function, {"value": value}]


@pytest.mark.parametrize(
    "path",
    [
        "int/1.5",
        "int/x",
        "long/x",
        "bool/yes",
        "guid/6f9619ff",
        "alpha/abc1",
        "decimal/x",
        "double/x",
        "datetime/soon",
        "length/ab",
        "lengths/abcde",
        "minlength/ab",
        "maxlength/abcd",
        "min/9",
        "min/x",
        "max/11",
        "range/9",
        "range/21",
        "regex/abcd",
        "required/",
        "file/a.b/report",
        "nonfile/a/report.txt",
        "both/4",
        "both/x",
    ],
)
def test_a_value_that_breaks_its_constraint_is_not_found(host: Client, path: str) -> None:
    assert host.get(f"/api/{path}").status == 404


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("optional", {}),
        ("optional/x", {"value": "x"}),
        ("default", {"value": "home"}),
        ("default/x", {"value": "x"}),
        ("rest", {}),
        ("rest/a/b/c", {"value": "a/b/c"}),
        ("two/name.txt", {"value": "name", "ending": "txt"}),
        ("shop/a%20b", {"value": "a b"}),
        ("shop/%C3%BC", {"value": "ü"}),
    ],
)
def test_parameters_may_be_left_out_have_defaults_and_take_the_rest(
    host: Client, path: str, parameters: dict[str, str]
) -> None:
    assert host.get(f"/api/{path}").json()[1] == parameters


@pytest.mark.parametrize(
    ("path", "function"),
    [("shop/new", "literal"), ("shop/NEW", "literal"), ("shop/old", "parameter"), ("mixed/case", "Mixed_Case")],
)
def test_literal_segments_come_first_and_are_compared_without_case(host: Client, path: str, function: str) -> None:
    assert host.get(f"/api/{path}").json()[0] == function


def test_a_route_may_be_an_app_setting(host: Client) -> None:
    assert host.get("/api/from-a-setting").json()[0] == "from_setting"
