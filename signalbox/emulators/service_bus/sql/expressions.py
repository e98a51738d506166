"""Expressions and predicates of rules: a text becomes a function of a message.

There is no tree: what is parsed is composed of functions. A predicate is what may be true; only expressions have values
that are compared, as the grammar of the service says.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from signalbox.emulators.service_bus.sql.tokens import Kind, RuleSyntaxError, Token, tokens
from signalbox.emulators.service_bus.sql.values import (
    FilterError,
    both,
    calculated,
    compared,
    contained,
    either,
    like,
    negated,
    signed,
)

_DEEPEST = 50  # Parentheses, NOTs and signs within each other.
_COMPARISONS = ("=", "<>", "!=", "<", "<=", ">", ">=")
_SUMS, _PRODUCTS = ("+", "-"), ("*", "/", "%")
_CONSTANTS = {"TRUE": True, "FALSE": False, "NULL": None}
# Of a message as it arrives; `label` is called subject by newer clients.
SYSTEM = {
    "messageid": "message_id",
    "correlationid": "correlation_id",
    "to": "to",
    "replyto": "reply_to",
    "label": "label",
    "subject": "label",
    "sessionid": "session_id",
    "replytosessionid": "reply_to_session_id",
    "contenttype": "content_type",
}
_UNSERVED = frozenset(
    {
        *("deadlettersource", "deliverycount", "enqueuedsequencenumber", "enqueuedtimeutc", "expiresatutc"),
        *("forcepersistence", "isbodyconsumed", "lockeduntilutc", "locktoken", "partitionkey", "sequencenumber"),
        *("scheduledenqueuetimeutc", "size", "state", "timetolive", "viapartitionkey"),
    }
)


class UnservedError(Exception):
    """The service knows this, and the emulator does not."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a rule sees: the *system* properties by their names of `SYSTEM`, and those of the *user*."""

    system: Mapping[str, Any]
    user: Mapping[str, Any]

    def name_of(self, name: str) -> str | None:
        """The user's property that is called *name*, whatever the case."""
        return next((own for own in self.user if own.lower() == name.lower()), None)


@dataclass(frozen=True, slots=True)
class Property:
    """A property that a rule names; *scope* is `sys` or `user`."""

    scope: str
    name: str

    def value(self, message: Message) -> Any:
        """None where a property of the user is not there. Raises FilterError for an unknown one of the system."""
        if self.scope == "sys":
            return message.system.get(self._system_name())
        own = message.name_of(self.name)
        return None if own is None else message.user[own]

    def exists(self, message: Message) -> bool:
        if self.scope == "sys":
            return self._system_name() in message.system
        return message.name_of(self.name) is not None

    def _system_name(self) -> str:
        try:
            return SYSTEM[self.name.lower()]
        except KeyError as error:
            raise FilterError(f"The property '{self.name}' is not found in the system scope.") from error


Evaluation = Callable[[Message], Any]  # The value of a part of a rule for a message.


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a rule, which is an expression or a predicate; *source* where it is a property by itself."""

    of: Evaluation
    is_predicate: bool = False
    source: Property | None = None


class Parser:
    """Reads *text* from its beginning; *parameters* have values for its `@names`, in lower case."""

    def __init__(self, text: str, parameters: Mapping[str, Any]) -> None:
        self._tokens, self._at, self._depth = tokens(text), 0, 0
        self._parameters = parameters

    def predicate(self) -> Node:
        """Raises RuleSyntaxError, and UnservedError."""
        return self._required(self._either(), is_predicate=True)

    def expression(self) -> Node:
        """Raises RuleSyntaxError, and UnservedError."""
        return self._required(self._sum(), is_predicate=False)

    def named_property(self) -> Property:
        """The next words as a property. Raises RuleSyntaxError, and UnservedError."""
        token = self._next(Kind.NAME)
        if not token.delimited and token.value.lower() in ("sys", "user") and self.accept("."):
            name = str(self._next(Kind.NAME).value)
            if token.value.lower() == "sys" and name.lower() in _UNSERVED:
                raise UnservedError(f"the system property {name} in rules")
            return Property(token.value.lower(), name)
        return Property("user", str(token.value))

    def accept(self, *words: str) -> str:
        """The next word where it is one of *words*, which are keywords and signs; else nothing, and it stays."""
        token = self._tokens[self._at]
        if token.kind in (Kind.KEYWORD, Kind.SIGN) and token.value in words:
            self._at += 1
            return str(token.value)
        return ""

    def require(self, word: str) -> None:
        if not self.accept(word):
            raise self.unexpected(f"'{word}' is expected")

    @property
    def is_at_end(self) -> bool:
        return self._tokens[self._at].kind is Kind.END

    def unexpected(self, reason: str) -> RuleSyntaxError:
        token = self._tokens[self._at]
        where = "at the end" if self.is_at_end else f"at character {token.place + 1}, '{token.value}'"
        return RuleSyntaxError(f"There is a syntax error {where}: {reason}.")

    def _next(self, kind: Kind) -> Token:
        token = self._tokens[self._at]
        if token.kind is not kind:
            raise self.unexpected(f"a {kind.name.lower()} is expected")
        self._at += 1
        return token

    def _required(self, node: Node, is_predicate: bool) -> Node:
        if node.is_predicate != is_predicate:
            raise self.unexpected("a predicate is expected" if is_predicate else "an expression is expected before it")
        return node

    def _either(self) -> Node:
        return self._joined("OR", self._both, either)

    def _both(self) -> Node:
        return self._joined("AND", self._negation, both)

    def _joined(self, word: str, part: Callable[[], Node], join: Callable[..., bool | None]) -> Node:
        node = part()
        while self.accept(word):
            first, second = self._required(node, True).of, self._required(part(), True).of
            node = Node(_joined(join, first, second), True)
        return node

    def _negation(self) -> Node:
        if not self.accept("NOT"):
            return self._comparison()
        inner = self._required(self._deeper(self._negation), True).of
        return Node(lambda message: negated(inner(message)), True)

    def _comparison(self) -> Node:
        left = self._sum()
        if sign := self.accept(*_COMPARISONS):
            first, second = self._required(left, False).of, self._required(self._sum(), False).of
            return Node(lambda message: compared(sign, first(message), second(message)), True)
        if self.accept("IS"):
            return self._null_check(left)
        is_negated = bool(self.accept("NOT"))
        if self.accept("IN"):
            node = self._membership(self._required(left, False).of)
        elif self.accept("LIKE"):
            node = self._likeness(self._required(left, False).of)
        elif is_negated:
            raise self.unexpected("'IN' or 'LIKE' is expected")
        else:
            return left
        return Node(lambda message: negated(node.of(message)), True) if is_negated else node

    def _null_check(self, left: Node) -> Node:
        source, is_negated = left.source, bool(self.accept("NOT"))
        self.require("NULL")
        if source is None:
            raise self.unexpected("a property is expected before 'IS'")
        return Node(lambda message: (source.value(message) is None) != is_negated, True)

    def _membership(self, value: Evaluation) -> Node:
        self.require("(")
        items = [self.expression().of]
        while self.accept(","):
            items.append(self.expression().of)
        self.require(")")
        return Node(lambda message: contained(value(message), [item(message) for item in items]), True)

    def _likeness(self, text: Evaluation) -> Node:
        pattern = self.expression().of
        escape = self.expression().of if self.accept("ESCAPE") else lambda _: ""
        return Node(lambda message: like(text(message), pattern(message), escape(message)), True)

    def _sum(self) -> Node:
        return self._calculation(_SUMS, lambda: self._calculation(_PRODUCTS, self._signed))

    def _calculation(self, signs: Sequence[str], part: Callable[[], Node]) -> Node:
        node = part()
        while sign := self.accept(*signs):
            left, right = self._required(node, False).of, self._required(part(), False).of
            node = Node(_calculated(sign, left, right))
        return node

    def _signed(self) -> Node:
        sign = self.accept(*_SUMS)
        if not sign:
            return self._primary()
        inner = self._required(self._deeper(self._signed), False).of
        return Node(lambda message: signed(sign, inner(message)))

    def _primary(self) -> Node:
        if self.accept("("):
            inner = self._deeper(self._either)
            self.require(")")
            return Node(inner.of, inner.is_predicate)
        if self.accept("EXISTS"):
            self.require("(")
            source = self.named_property()
            self.require(")")
            return Node(source.exists, True)
        if word := self.accept(*_CONSTANTS):
            return _constant(_CONSTANTS[word])
        return self._operand()

    def _operand(self) -> Node:
        token = self._tokens[self._at]
        match token.kind:
            case Kind.CONSTANT:
                self._at += 1
                return _constant(token.value)
            case Kind.PARAMETER:
                self._at += 1
                if token.value.lower() not in self._parameters:
                    raise RuleSyntaxError(f"The parameter '{token.value}' has no value.")
                return _constant(self._parameters[token.value.lower()])
        return self._call(token) or self._of_property()

    def _of_property(self) -> Node:
        source = self.named_property()
        return Node(source.value, source=source)

    def _call(self, token: Token) -> Node | None:
        """`newid()`, `property(name)` or `p(name)`; None for anything else."""
        follows = self._tokens[self._at + 1] if token.kind is Kind.NAME and not token.delimited else token
        if (follows.kind, follows.value) != (Kind.SIGN, "("):
            return None
        self._at += 2
        match token.value.lower():
            case "newid":
                self.require(")")
                return Node(lambda _: uuid4())
            case "property" | "p":
                name = self.expression().of
                self.require(")")
                return Node(lambda message: _named(name(message)).value(message))
        raise RuleSyntaxError(f"There is no function '{token.value}'.")

    def _deeper(self, part: Callable[[], Node]) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise RuleSyntaxError(f"The expression is nested more than {_DEEPEST} times.")
        node = part()
        self._depth -= 1
        return node


def _joined(join: Callable[..., bool | None], first: Evaluation, second: Evaluation) -> Evaluation:
    return lambda message: join(first(message), lambda: second(message))


def _calculated(sign: str, left: Evaluation, right: Evaluation) -> Evaluation:
    return lambda message: calculated(sign, left(message), right(message))


def _constant(value: Any) -> Node:
    return Node(lambda _: value)


def _named(name: Any) -> Property:
    if not isinstance(name, str):
        raise FilterError("The name of a property must be a string.")
    scope, point, rest = name.partition(".")
    return Property(scope.lower(), rest) if point and scope.lower() in ("sys", "user") else Property("user", name)
