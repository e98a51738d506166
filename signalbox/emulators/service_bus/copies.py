"""The copies of a message that one subscription takes, as its rules say. It stands alone because it stores nothing."""

from collections.abc import Sequence

from signalbox.emulators.service_bus.entities import Rule
from signalbox.emulators.service_bus.sections import Incoming, with_properties
from signalbox.emulators.service_bus.sql.expressions import Message
from signalbox.emulators.service_bus.sql.values import FilterError

_RULE_NAME = "RuleName"  # The property by which a copy says which rule has changed it.


def copies_of(message: Incoming, rules: Sequence[Rule]) -> tuple[list[Incoming], str]:
    """One copy for all the rules that change nothing, and one for each that does; and why a rule has failed, if any."""
    copies, is_taken, error = list[Incoming](), False, ""
    for rule in rules:
        try:
            if not rule.accepts(message.properties, message.application):
                continue
            if rule.action is None:
                is_taken = True
            else:
                changed = rule.action.apply(Message(message.properties, message.application))
                copies.append(with_properties(message, changed.system, {**changed.user, _RULE_NAME: rule.name}))
        except FilterError as failure:
            error = error or str(failure)
    return [message] * is_taken + copies, error
