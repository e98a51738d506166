"""The SQL of rules, as Microsoft documents it: three truth values, the operators of C#, and what is no filter."""

import math
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.emulators.service_bus.sql.expressions import Message, UnservedError
from signalbox.emulators.service_bus.sql.rules import read_action, read_filter
from signalbox.emulators.service_bus.sql.tokens import RuleSyntaxError
from signalbox.emulators.service_bus.sql.values import FilterError, like

MESSAGE = Message(
    system={"label": "buses", "message_id": "m-1"},
    user={"n": 7, "x": 2.5, "yes": True, "Text": "ABC%", "Property With Space": "there", "empty": None, "a]b": 1},
)


def is_taken(text: str, message: Message = MESSAGE, **parameters: Any) -> bool:
    return read_filter(text, {f"@{name}": value for name, value in parameters.items()}).accepts(message)


@pytest.mark.parametrize(
    "text",
    [
        "1=1",
        "n = 7",
        "N = 7 and user.n <> 8",
        "sys.Label = 'buses' AND sys.subject LIKE 'bus%' AND sys.messageid='m-1'",
        "n IN (1, 7, 9) OR missing = 1",
        "n NOT IN (1, 2)",
        "n > 6 AND n >= 7 AND n < 8 AND n <= 7 AND n != 6",
        "n + 1 = 8 AND n - 1 = 6 AND n * 2 = 14",
        "n / 2 = 3 AND -n / 2 = -3 AND -n % 4 = -3",
        "n / 2.0 = 3.5 AND x = 2.5 AND x > 2 AND 25E-1 = x",
        "1 + 2 * 3 = 7 AND (1 + 2) * 3 = 9 AND 10 - 2 - 3 = 5 AND - - 1 = 1",
        "Text + 'D' = 'ABC%D'",
        "Text LIKE 'A_C%' AND Text LIKE 'ABC\\%' ESCAPE '\\' AND Text NOT LIKE 'ABC\\%_' ESCAPE '\\'",
        "[Property With Space] = 'there' AND \"Property With Space\" LIKE '%her_' AND [a]]b] = 1",
        "yes = TRUE AND NOT yes = false",
        "missing IS NULL AND empty IS NULL AND n IS NOT NULL AND sys.To IS NULL",
        "EXISTS(n) AND EXISTS (user.empty) AND NOT EXISTS(missing) AND EXISTS(sys.Label) AND NOT EXISTS(sys.To)",
        "property('n') = 7 AND p('sys.Label') = 'buses' AND p('Te' + 'xt') = Text",
        "newid() <> newid()",
        "n = @number AND Text LIKE @form",
        "(n = 1 OR n = 7) AND NOT (n = 8)",
        "'it''s' = 'it''s'",
        "missing = 1 OR n = 7",
        "n = 1 OR n = 7 AND yes = TRUE",
    ],
)
def test_what_holds_is_taken(text: str) -> None:
    assert is_taken(text, number=7, form="%C%")


@pytest.mark.parametrize(
    "text",
    [
        "1=0",
        "missing = 1",
        "NOT missing = 1",
        "missing <> 1",
        "missing = 1 AND n = 7",
        "missing IN (1, 2)",
        "missing NOT IN (1, 2)",
        "missing LIKE '%'",
        "missing NOT LIKE 'a'",
        "n + missing = 7",
        "-missing = 1",
        "empty = NULL",
        "Text = 'abc%'",
        "missing = 1 OR missing = 2",
    ],
)
def test_what_is_false_or_unknown_is_not(text: str) -> None:
    assert not is_taken(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("n = 'seven'", "'=' is not defined for Int64 and String"),
        ("Text > 'A'", "'>' is not defined for String and String"),
        ("yes < TRUE", "'<' is not defined for Boolean"),
        ("yes = 1", "'=' is not defined for Boolean and Int64"),
        ("n + Text = 1", r"'\+' is not defined for Int64 and String"),
        ("n / 0 = 1", "divide by zero"),
        ("9223372036854775807 + n = 1", "overflow"),
        ("n LIKE '7'", "for strings alone"),
        ("Text LIKE 'a' ESCAPE 'ab'", "length 1"),
        ("sys.Nothing = 1", "'Nothing' is not found in the system scope"),
        ("p(n) = 1", "name of a property must be a string"),
    ],
)
def test_what_has_no_value_fails(text: str, reason: str) -> None:
    with pytest.raises(FilterError, match=reason):
        is_taken(text)


def test_floating_numbers_end_as_in_the_standard() -> None:
    infinite = Message({}, {"big": math.inf, "small": -math.inf})

    assert is_taken(
        "x / 0 = big AND -x / 0 = small AND NOT (0.0 / 0 = 0.0 / 0)", Message({}, {**infinite.user, "x": 1.5})
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at the end"),
        ("n", "a predicate is expected"),
        ("TRUE", "a predicate is expected"),
        ("n = 1 n", "character 7, 'n'"),
        ("n = (m = 1)", "an expression is expected"),
        ("NOT n", "a predicate is expected"),
        ("n IS 1", "'NULL' is expected"),
        ("7 IS NULL", "a property is expected"),
        ("n NOT = 1", "'IN' or 'LIKE' is expected"),
        ("n IN ()", "name is expected"),
        ("n = @nobody", "'@nobody' has no value"),
        ("sum(n) = 1", "no function 'sum'"),
        ("select = 1; drop", "character"),
        ("n = 9223372036854775808", "too large for Int64"),
        ("n = 1 ~ 2", "syntax error at character 7"),
        ("n = 'open", "syntax error"),
        ("AND = 1", "syntax error"),
        ("_n = 1", "syntax error"),
        ("(" * 51 + "n = 1" + ")" * 51, "nested more than 50 times"),
        ("NOT " * 51 + "n = 1", "nested more than 50 times"),
        ("n = 1 OR " * 200 + "n = 1", "1024 are allowed"),
    ],
)
def test_what_is_no_filter_is_refused_with_its_place(text: str, reason: str) -> None:
    with pytest.raises(RuleSyntaxError, match=reason):
        read_filter(text, {})


def test_a_system_property_that_is_not_served_is_named() -> None:
    with pytest.raises(UnservedError, match="EnqueuedTimeUtc"):
        read_filter("sys.EnqueuedTimeUtc IS NULL", {})


def test_an_action_sets_and_removes_in_its_order() -> None:
    action = read_action(
        "SET n = n + 1; SET [new] = n * 2, REMOVE yes SET sys.Label = 'x' + sys.Label; REMOVE sys.MessageId;"
        " SET x = 3; SET id = newid(); REMOVE missing; SET gone = missing; SET TEXT = @t",
        {"@T": "told"},
    )

    after = action.apply(MESSAGE)

    assert after.system == {"label": "xbuses"}
    assert (after.user["n"], after.user["new"], after.user["x"], after.user["gone"]) == (8, 16, 3.0, None)
    assert (after.user["Text"], type(after.user["x"]), type(after.user["id"])) == ("told", float, UUID)
    assert "yes" not in after.user
    assert MESSAGE.user["n"] == 7, "the message itself stays"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "1 to 32 statements"),
        ("SET a = 1;" * 33, "1 to 32 statements"),
        ("DELETE a", "'SET' or 'REMOVE' is expected"),
        ("SET a = b = 1", "'SET' or 'REMOVE' is expected"),
        ("SET a", "'=' is expected"),
        ("REMOVE 7", "name is expected"),
    ],
)
def test_what_is_no_action_is_refused(text: str, reason: str) -> None:
    with pytest.raises(RuleSyntaxError, match=reason):
        read_action(text, {})


def test_an_action_on_an_unknown_system_property_fails() -> None:
    with pytest.raises(FilterError, match="Nothing"):
        read_action("SET sys.Nothing = 1", {}).apply(MESSAGE)


TRUTHS: dict[str, bool | None] = {"n = 7": True, "n = 8": False, "missing = 1": None}


@given(
    st.recursive(
        st.sampled_from(list(TRUTHS)), lambda part: st.tuples(st.sampled_from(["AND", "OR"]), part, part), max_leaves=8
    )
)
def test_and_and_or_have_the_documented_tables(tree: Any) -> None:
    def text_of(part: Any) -> str:
        return part if isinstance(part, str) else f"({text_of(part[1])} {part[0]} {text_of(part[2])})"

    def truth_of(part: Any) -> bool | None:
        if isinstance(part, str):
            return TRUTHS[part]
        first, second = sorted(map(truth_of, part[1:]), key=[False, None, True].index)
        return first if part[0] == "AND" else second

    predicate = read_filter(text_of(tree), {}).predicate

    assert predicate(MESSAGE) is truth_of(tree)


@given(st.text("ab%_", max_size=8), st.text("ab%_", max_size=8))
def test_like_agrees_with_the_definition(text: str, pattern: str) -> None:
    def matches(rest: str, form: str) -> bool:
        if not form:
            return not rest
        if form[0] == "%":
            return any(matches(rest[at:], form[1:]) for at in range(len(rest) + 1))
        return bool(rest) and form[0] in ("_", rest[0]) and matches(rest[1:], form[1:])

    assert like(text, pattern, "") is matches(text, pattern)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_is_refused(text: str) -> None:
    try:
        condition = read_filter(text, {})
    except (RuleSyntaxError, UnservedError):
        return
    try:
        condition.accepts(MESSAGE)
    except FilterError:
        return


def test_a_pattern_of_many_wildcards_takes_no_time() -> None:
    assert like("a" * 100_000 + "b", "%a" * 400 + "c", "") is False
