"""Rules of subscriptions: the filters that are served, as documents and as what the broker compares with.

SQL filters and actions are refused by name: a filter that is not understood must not let everything through.
"""

from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from signalbox.emulators.service_bus.administration.atom import INSTANCE, element, local_name
from signalbox.emulators.service_bus.administration.refusals import bad, not_served
from signalbox.emulators.service_bus.entities import Rule

Content = Mapping[str, Any]

DEFAULT: Content = {"filter": "TrueFilter"}
_TYPE = f"{{{INSTANCE}}}type"
_SCHEMA = "http://www.w3.org/2001/XMLSchema"
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
    if action is not None and action.get(_TYPE) != "EmptyRuleAction":
        raise not_served("actions of rules")
    return DEFAULT if "Filter" not in parts else _read_filter(parts["Filter"])


def rule_of(name: str, content: Content) -> Rule:
    values = {key: _value(kind, text) for key, (kind, text) in content.get("application", {}).items()}
    return Rule(
        name=name,
        properties=content.get("properties", {}),
        application=values,
        is_closed=content["filter"] == "FalseFilter",
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
    else:
        properties = content.get("properties", {})
        inner = "".join(element(tag, properties[own]) for tag, own in _FIELDS.items() if own in properties)
        pairs = "".join(_pair(key, *value) for key, value in content.get("application", {}).items())
        inner += f"<Properties>{pairs}</Properties>" if pairs else ""
    return (
        f'<Filter i:type="{kind}">{inner}</Filter><Action i:type="EmptyRuleAction"/>'
        f"{element('CreatedAt', created)}{element('Name', name)}"
    )


def _read_filter(node: ElementTree.Element) -> Content:
    kind = node.get(_TYPE, "")
    if kind in _EXPRESSIONS:
        return {"filter": kind}
    if kind == "SqlFilter":
        raise not_served("SQL filters")
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
        raise bad("A property of a correlation filter is a Key and a Value.")
    kind, text = parts["Value"].get(_TYPE, "").rpartition(":")[2], parts["Value"].text or ""
    if kind in ("dateTime", "duration"):
        raise not_served(f"properties of the type {kind} in filters")
    try:
        _value(kind, text)
    except (KeyError, ValueError) as failure:
        raise bad(f"'{text}' is no value of the type '{kind}'.") from failure
    return parts["Key"].text or "", (kind, text)


def _value(kind: str, text: str) -> Any:
    """Raises KeyError for an unknown *kind*, ValueError for a *text* that is none of it."""
    if kind == "boolean":
        return {"true": True, "false": False}[text.lower()]
    return {"string": str, "int": int, "long": int, "double": float}[kind](text)


def _typed(value: Any) -> tuple[str, str]:
    if isinstance(value, bool):
        return "boolean", str(value).lower()
    kinds = {int: "long", float: "double"}
    return kinds.get(type(value), "string"), str(value)


def _pair(key: str, kind: str, text: str) -> str:
    value = f'<Value i:type={quoteattr(f"d6p1:{kind}")} xmlns:d6p1="{_SCHEMA}">{escape(text)}</Value>'
    return f"<KeyValueOfstringanyType>{element('Key', key)}{value}</KeyValueOfstringanyType>"
