"""Tokens to the tree of `syntax`: the grammar of the subset. What it does not know is an error with file and line.

Left out on purpose: user-defined types and functions, lambdas, spread, `import`, nested resources, `br:` modules.
"""

from functools import lru_cache
from typing import Any

from infra.check.findings import Place, TemplateError
from infra.check.language.lexer import Token, tokens_of
from infra.check.language.syntax import (
    PARAMETER_TYPES,
    ArrayNode,
    Binary,
    Call,
    Choice,
    Declaration,
    Entry,
    Expression,
    Index,
    Literal,
    Loop,
    Member,
    Module,
    Name,
    ObjectNode,
    Output,
    Parameter,
    Resource,
    Template,
    Text,
    Unary,
    Variable,
)

_SCOPES = ("subscription", "resourceGroup")
_DECORATORS = {"description", "allowed", "minLength", "maxLength", "minValue", "maxValue", "secure", "batchSize"}
_LEVELS = (("??",), ("||",), ("&&",), ("==", "!="), ("<", ">", "<=", ">="), ("+", "-"), ("*", "/", "%"))


@lru_cache(maxsize=256)  # Tests of seeded mistakes change one file of many.
def parse(text: str, file: str) -> Template:
    """The template in *text*. Raises TemplateError at the first thing that is not in the subset."""
    return _Parser(text, file).template()


class _Parser:
    def __init__(self, text: str, file: str, first_line: int = 1) -> None:
        self._file, self._tokens, self._at = file, tokens_of(text, file, first_line), 0
        self._depth = 0  # Inside parentheses a newline means nothing.

    # Tokens.

    @property
    def _token(self) -> Token:
        while self._depth and self._tokens[self._at].kind == "newline":
            self._at += 1
        return self._tokens[self._at]

    def _error(self, problem: str) -> TemplateError:
        return TemplateError(Place(self._file, self._token.line), problem)

    def _sees(self, *signs: str) -> bool:
        return self._token.kind in ("sign", "name") and self._token.value in signs

    def _take(self) -> Token:
        token = self._token
        self._at += 1
        return token

    def _accept(self, sign: str) -> bool:
        if self._sees(sign):
            self._at += 1
            return True
        return False

    def _expect(self, sign: str) -> None:
        if not self._accept(sign):
            raise self._error(f"expected {sign!r} and not {self._token.value or self._token.kind!r}")

    def _name(self) -> str:
        if self._token.kind != "name":
            raise self._error(f"expected a name and not {self._token.value!r}")
        return str(self._take().value)

    def _plain(self) -> str:
        """A string that is known without evaluation."""
        token = self._take()
        if token.kind != "string" or any(not isinstance(part, str) for part in token.value):
            raise TemplateError(Place(self._file, token.line), "expected a string without ${}")
        return "".join(token.value)

    def _skip_newlines(self) -> None:
        while self._token.kind == "newline":
            self._at += 1

    def _end_of_line(self) -> None:
        if self._token.kind not in ("newline", "end"):
            raise self._error(f"expected the end of the line and not {self._token.value!r}")

    # Declarations.

    def template(self) -> Template:
        scope, declarations = "resourceGroup", list[Declaration]()
        self._skip_newlines()
        while self._token.kind != "end":
            if self._sees("targetScope"):
                scope = self._target_scope()
            else:
                declarations.append(self._declaration())
            self._end_of_line()
            self._skip_newlines()
        return Template(self._file, scope, tuple(declarations))

    def _target_scope(self) -> str:
        self._take()
        self._expect("=")
        scope = self._plain()
        if scope not in _SCOPES:
            raise self._error(f"targetScope {scope!r} is not in the subset ({', '.join(_SCOPES)})")
        return scope

    def _declaration(self) -> Declaration:
        decorators = self._decorators()
        line, keyword = self._token.line, self._name()
        match keyword:
            case "param":
                return self._parameter(line, decorators)
            case "var":
                name = self._name()
                self._expect("=")
                return Variable(line, name, self._expression())
            case "output":
                name, kind = self._name(), self._type()
                self._expect("=")
                return Output(line, name, kind, self._expression())
            case "resource":
                return self._resource(line, decorators)
            case "module":
                symbol, path = self._name(), self._plain()
                self._expect("=")
                condition, body = self._body()
                return Module(line, symbol, path, body, condition, decorators)
        raise TemplateError(Place(self._file, line), f"{keyword!r} is no declaration of the subset")

    def _decorators(self) -> dict[str, Any]:
        decorators: dict[str, Any] = {}
        while self._accept("@"):
            name = self._name()
            if name not in _DECORATORS:
                raise self._error(f"decorator {name!r} is not in the subset")
            decorators[name] = self._arguments()
            self._skip_newlines()
        return decorators

    def _type(self) -> str:
        name = self._name()
        if name not in PARAMETER_TYPES:
            raise self._error(f"type {name!r} is not in the subset ({', '.join(PARAMETER_TYPES)})")
        return name

    def _parameter(self, line: int, decorators: dict[str, Any]) -> Parameter:
        name, kind = self._name(), self._type()
        default = self._expression() if self._accept("=") else None
        return Parameter(line, name, kind, default, decorators)

    def _resource(self, line: int, decorators: dict[str, Any]) -> Resource:
        symbol, address = self._name(), self._plain()
        kind, at, version = address.partition("@")
        if not at:
            raise TemplateError(Place(self._file, line), f"{address!r} names no api-version")
        existing = self._accept("existing")
        self._expect("=")
        condition, body = self._body()
        return Resource(line, symbol, kind, version, existing, body, condition, decorators)

    def _body(self) -> tuple[Expression | None, ObjectNode | Loop]:
        condition = None
        if self._accept("if"):
            condition = self._parenthesised()
        body = self._primary()
        if not isinstance(body, ObjectNode | Loop) or (
            isinstance(body, Loop) and not isinstance(body.body, ObjectNode)
        ):
            raise self._error("expected an object, or a loop over one")
        return condition, body

    # Expressions.

    def _expression(self) -> Expression:
        condition = self._binary(0)
        mark = self._at
        self._skip_newlines()
        if not self._sees("?"):
            self._at = mark
            return condition
        self._take()
        self._skip_newlines()
        then = self._expression()
        self._skip_newlines()
        self._expect(":")
        self._skip_newlines()
        return Choice(condition.line, condition, then, self._expression())

    def _binary(self, level: int) -> Expression:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._token.kind == "sign" and self._token.value in _LEVELS[level]:
            operator = str(self._take().value)
            left = Binary(left.line, operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Expression:
        line = self._token.line
        for operator in ("!", "-"):
            if self._accept(operator):
                return Unary(line, operator, self._unary())
        return self._postfix(self._primary())

    def _postfix(self, base: Expression) -> Expression:
        while True:
            line = self._token.line
            if self._accept("."):
                base = Member(line, base, self._name())
                if self._sees("("):
                    raise self._error("methods and namespaced functions are not in the subset")
            elif self._accept("["):
                base = Index(line, base, self._expression())
                self._expect("]")
            else:
                return base

    def _primary(self) -> Expression:
        token = self._token
        if token.kind == "number":
            return Literal(token.line, int(self._take().value))
        if token.kind == "string":
            return self._text(self._take())
        if self._sees("("):
            return self._parenthesised()
        if self._sees("{"):
            return self._object()
        if self._sees("["):
            return self._array()
        name = self._name()
        if name in ("true", "false", "null"):
            return Literal(token.line, {"true": True, "false": False, "null": None}[name])
        if self._sees("("):
            return Call(token.line, name, self._arguments())
        return Name(token.line, name)

    def _parenthesised(self) -> Expression:
        self._expect("(")
        self._depth += 1
        expression = self._expression()
        if not self._sees(")"):
            raise self._error(f"expected ')' and not {self._token.value!r}")
        self._depth -= 1
        self._take()
        return expression

    def _arguments(self) -> tuple[Expression, ...]:
        self._expect("(")
        self._depth += 1
        arguments = list[Expression]()
        while not self._sees(")"):
            arguments.append(self._expression())
            if not self._accept(",") and not self._sees(")"):
                raise self._error(f"expected ',' or ')' and not {self._token.value!r}")
        self._depth -= 1
        self._take()
        return tuple(arguments)

    def _text(self, token: Token) -> Expression:
        if all(isinstance(part, str) for part in token.value):
            return Literal(token.line, "".join(token.value))
        return Text(
            token.line,
            tuple(part if isinstance(part, str) else self._interpolated(*part) for part in token.value),
        )

    def _interpolated(self, source: str, line: int) -> Expression:
        inner = _Parser(source, self._file, line)
        expression = inner._expression()
        if inner._token.kind != "end":
            raise inner._error(f"{inner._token.value!r} is too much inside ${{}}")
        return expression

    def _object(self) -> ObjectNode:
        line, depth = self._token.line, self._depth
        self._expect("{")
        self._depth, entries = 0, list[Entry]()
        self._skip_newlines()
        while not self._sees("}"):
            entry_line = self._token.line
            key = self._key()
            if any(entry.key == key for entry in entries):
                raise TemplateError(Place(self._file, entry_line), f"{key!r} is written twice")
            self._expect(":")
            entries.append(Entry(entry_line, key, self._expression()))
            self._separator("}")
        self._take()
        self._depth = depth
        return ObjectNode(line, tuple(entries))

    def _key(self) -> str | Text:
        if self._token.kind != "string":
            return self._name()
        text = self._text(self._take())
        return text if isinstance(text, Text) else str(getattr(text, "value", ""))

    def _separator(self, closing: str) -> None:
        if self._accept(","):
            return
        if self._token.kind == "newline":
            self._skip_newlines()
        elif not self._sees(closing):
            raise self._error(f"expected ',', a new line or {closing!r} and not {self._token.value!r}")

    def _array(self) -> ArrayNode | Loop:
        line, depth = self._token.line, self._depth
        self._expect("[")
        self._depth, items = 0, list[Expression]()
        self._skip_newlines()
        if self._accept("for"):
            loop = self._loop(line)
            self._skip_newlines()
            self._expect("]")
            self._depth = depth
            return loop
        while not self._sees("]"):
            items.append(self._expression())
            self._separator("]")
        self._take()
        self._depth = depth
        return ArrayNode(line, tuple(items))

    def _loop(self, line: int) -> Loop:
        variable = self._name()
        self._expect("in")
        source = self._expression()
        self._expect(":")
        condition = self._parenthesised() if self._accept("if") else None
        return Loop(line, variable, source, self._expression(), condition)
