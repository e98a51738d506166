"""Rules of subscriptions: their filters and actions, as documents and as what the broker judges by.

What is not understood is refused: it must not let everything through.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from proton import timestamp

from signalbox.emulators.service_bus.administration.atom import INSTANCE, element, local_name
from signalbox.emulators.service_bus.administration.durations import seconds_of
from signalbox.emulators.service_bus.administration.refusals import bad, not_served
from signalbox.emulators.service_bus.entities import Rule
from signalbox.emulators.service_bus.sql.expressions import UnservedError
from signalbox.emulators.service_bus.sql.rules import read_action, read_filter
from signalbox.emulators.service_bus.sql.tokens import RuleSyntaxError

Content = Mapping[str, Any]

DEFAULT: Content = {"filter": "TrueFilter"}
_TYPE = f"{{{INSTANCE}}}type"
_SCHEMA = "http://www.w3.org/2001/XMLSchema"
_NO_ACTION = '<Action i:type="EmptyRuleAction"/>'
_Read = TypeVar("_Read")
_EXPRESSIONS = {"TrueFilter": "1=1", "FalseFilter": "1=0"}
_FIELDS = {
    "CorrelationId": "correlation_id",
    "MessageId": "message_id",
    "To": "to",
    "ReplyTo": "reply_to",
    "Label": "label",
    "SessionId": "session_id",
    "ReplyToSessionId": "reply_to_session_id",
    "ContentType": "content_type",
}


def read_rule(node: ElementTree.Element) -> Content:
    """What a rule's description says; the name is that of its address. Raises AdministrationError."""
    parts = {local_name(child): child for child in node}
    unknown = sorted(parts.keys() - {"Filter", "Action", "Name", "CreatedAt"})
    if unknown:
        raise bad(f"The rule has no {', '.join(unknown)}.")
    action = parts.get("Action")
    content = DEFAULT if "Filter" not in parts else _read_filter(parts["Filter"])
    if action is None or action.get(_TYPE) == "EmptyRuleAction":
        return content
    if action.get(_TYPE) != "SqlRuleAction":
        raise bad(f"There is no action of the type '{action.get(_TYPE, '')}'.")
    change = _read_expression(action, read_action)
    if any(kind == "duration" for kind, _ in change["parameters"].values()):
        raise not_served("durations in actions")  # AMQP has no type of them.
    return {**content, "action": change}


def rule_of(name: str, content: Content) -> Rule:
    """Raises RuleSyntaxError where a text is no SQL; `read_rule` lets none of these in."""
    action = content.get("action")
    return Rule(
        name=name,
        properties=content.get("properties", {}),
        application=_values(content.get("application", {})),
        is_closed=content["filter"] == "FalseFilter",
        condition=_composed(content, read_filter) if content["filter"] == "SqlFilter" else None,
        action=_composed(action, read_action) if action else None,
    )


def content_of(rule: Rule) -> Content:
    """The same of a rule of the settings."""
    if not rule.properties and not rule.application:
        return DEFAULT
    application = {key: _typed(value) for key, value in rule.application.items()}
    return {"filter": "CorrelationFilter", "properties": dict(rule.properties), "application": application}


def written(name: str, content: Content, created: str) -> str:
    """The content of a rule's description."""
    kind = content["filter"]
    if kind in _EXPRESSIONS:
        expression = element("SqlExpression", _EXPRESSIONS[kind])
        inner = f"{expression}<CompatibilityLevel>20</CompatibilityLevel>"
    elif kind == "SqlFilter":
        inner = _written_expression(content)
    else:
        properties = content.get("properties", {})
        inner = "".join(element(tag, properties[own]) for tag, own in _FIELDS.items() if own in properties)
        inner += _pairs("Properties", content.get("application", {}))
    own = content.get("action")
    action = f'<Action i:type="SqlRuleAction">{_written_expression(own)}</Action>' if own else _NO_ACTION
    return f'<Filter i:type="{kind}">{inner}</Filter>{action}{element("CreatedAt", created)}{element("Name", name)}'


def _written_expression(content: Content) -> str:
    expression = element("SqlExpression", content["expression"])
    return f"{expression}<CompatibilityLevel>20</CompatibilityLevel>{_pairs('Parameters', content['parameters'])}"


def _read_expression(node: ElementTree.Element, read: Callable[[str, Mapping[str, Any]], object]) -> Content:
    """The text and the parameters, which *read* understands. Raises AdministrationError."""
    text, parameters = "", dict[str, tuple[str, str]]()
    for child in node:
        match local_name(child):
            case "SqlExpression":
                text = child.text or ""
            case "Parameters":
                parameters = dict(map(_read_pair, child))
            case "CompatibilityLevel" | "RequiresPreprocessing":
                pass
            case name:
                raise bad(f"A SQL expression has no {name}.")
    content = {"expression": text, "parameters": parameters}
    try:
        _composed(content, read)
    except RuleSyntaxError as error:
        raise bad(str(error)) from error
    except UnservedError as error:
        raise not_served(str(error)) from error
    return content


def _composed(content: Content, read: Callable[[str, Mapping[str, Any]], _Read]) -> _Read:
    return read(content["expression"], _values(content["parameters"]))


def _values(pairs: Mapping[str, tuple[str, str]]) -> dict[str, Any]:
    return {key: _value(kind, text) for key, (kind, text) in pairs.items()}


def _read_filter(node: ElementTree.Element) -> Content:
    kind = node.get(_TYPE, "")
    if kind in _EXPRESSIONS:
        return {"filter": kind}
    if kind == "SqlFilter":
        return {"filter": kind, **_read_expression(node, read_filter)}
    if kind != "CorrelationFilter":
        raise bad(f"There is no filter of the type '{kind}'.")
    properties, application = dict[str, str](), dict[str, tuple[str, str]]()
    for child in node:
        name = local_name(child)
        if name == "Properties":
            application = dict(map(_read_pair, child))
        elif name in _FIELDS:
            properties[_FIELDS[name]] = child.text or ""
        else:
            raise bad(f"A correlation filter has no {name}.")
    if not properties and not application:
        raise bad("A correlation filter needs at least one property.")
    return {"filter": kind, "properties": properties, "application": application}


def _read_pair(node: ElementTree.Element) -> tuple[str, tuple[str, str]]:
    parts = {local_name(child): child for child in node}
    if parts.keys() != {"Key", "Value"}:
        raise bad("A property or a parameter is a Key and a Value.")
    kind, text = parts["Value"].get(_TYPE, "").rpartition(":")[2], parts["Value"].text or ""
    try:
        _value(kind, text)
    except (KeyError, ValueError) as failure:
        raise bad(f"'{text}' is no value of the type '{kind}'.") from failure
    return parts["Key"].text or "", (kind, text)


def _value(kind: str, text: str) -> Any:
    """Raises KeyError for an unknown *kind*, ValueError for a *text* that is none of it."""
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()]
    return _READERS[kind](text)


def _moment(text: str) -> Any:
    """As AMQP has it. One without a zone is in UTC."""
    moment = datetime.fromisoformat(text)
    return timestamp(round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


_READERS: Mapping[str, Callable[[str], Any]] = {
    "string": str,
    "int": int,
    "long": int,
    "double": float,
    "dateTime": _moment,
    "duration": lambda text: timedelta(seconds=seconds_of(text)),
}


def _typed(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "boolean", str(value).lower()
    kinds = {int: "long", float: "double"}
    return kinds.get(type(value), "string"), str(value)


def _pairs(tag: str, pairs: Mapping[str, tuple[str, str]]) -> str:
    inner = "".join(_pair(key, *value) for key, value in pairs.items())
    return f"<{tag}>{inner}</{tag}>" if inner else ""


def _pair(key: str, kind: str, text: str) -> str:
    value = f'<Value i:type={quoteattr(f"d6p1:{kind}")} xmlns:d6p1="{_SCHEMA}">{escape(text)}</Value>'
    return f"<KeyValueOfstringanyType>{element('Key', key)}{value}</KeyValueOfstringanyType>"
