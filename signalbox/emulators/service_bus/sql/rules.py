"""A SQL filter and a SQL action as objects: whether a message is taken, and what becomes of its properties."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from signalbox.emulators.service_bus.sql.expressions import SYSTEM, Message, Parser, Property
from signalbox.emulators.service_bus.sql.tokens import RuleSyntaxError
from signalbox.emulators.service_bus.sql.values import FilterError

_MOST_STATEMENTS = 32

Statement = Callable[[dict[str, Any], dict[str, Any]], None]  # Of the system's and the user's properties.


@dataclass(frozen=True, slots=True)
class SqlFilter:
    """Made by `read_filter`."""

    predicate: Callable[[Message], bool | None]

    def accepts(self, message: Message) -> bool:
        """Not where it is unknown. Raises FilterError."""
        return self.predicate(message) is True


@dataclass(frozen=True, slots=True)
class SqlAction:
    """Made by `read_action`."""

    statements: tuple[Statement, ...]

    def apply(self, message: Message) -> Message:
        """The properties afterwards. Raises FilterError."""
        system, user = dict(message.system), dict(message.user)
        for statement in self.statements:
            statement(system, user)
        return Message(system, user)


def read_filter(text: str, parameters: Mapping[str, Any]) -> SqlFilter:
    """Raises RuleSyntaxError, and UnservedError."""
    parser = _parser(text, parameters)
    predicate = parser.predicate().of
    if not parser.is_at_end:
        raise parser.unexpected("the expression ends before it")
    return SqlFilter(predicate)


def read_action(text: str, parameters: Mapping[str, Any]) -> SqlAction:
    """Raises RuleSyntaxError, and UnservedError."""
    parser, statements = _parser(text, parameters), list[Statement]()
    while not parser.is_at_end:
        statements.append(_statement(parser))
        parser.accept(";", ",")
    if not 0 < len(statements) <= _MOST_STATEMENTS:
        raise RuleSyntaxError(f"An action has 1 to {_MOST_STATEMENTS} statements, and this one {len(statements)}.")
    return SqlAction(tuple(statements))


def _parser(text: str, parameters: Mapping[str, Any]) -> Parser:
    return Parser(text, {name.lower(): value for name, value in parameters.items()})


def _statement(parser: Parser) -> Statement:
    word = parser.accept("SET", "REMOVE")
    if not word:
        raise parser.unexpected("'SET' or 'REMOVE' is expected")
    target = parser.named_property()
    if word == "REMOVE":
        return lambda system, user: _put(target, None, system, user, is_removed=True)
    parser.require("=")
    value = parser.expression().of
    return lambda system, user: _put(target, value(Message(system, user)), system, user)


def _put(
    target: Property, value: Any, system: dict[str, Any], user: dict[str, Any], *, is_removed: bool = False
) -> None:
    if target.scope == "sys":
        name = SYSTEM.get(target.name.lower(), "")
        if not name:
            raise FilterError(f"The property '{target.name}' is not found in the system scope.")
        system.pop(name, None)
        if value is not None:
            system[name] = str(value)
        return
    own = Message(system, user).name_of(target.name)
    before = user.pop(own) if own is not None else None
    if not is_removed:
        user[own or target.name] = float(value) if isinstance(before, float) and type(value) is int else value
