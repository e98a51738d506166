"""The kinds of trigger this host serves. A function of another kind stops the host with its name."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from signalbox.host.bindings import check_annotation, check_bindings
from signalbox.host.errors import HostError
from signalbox.host.functions import Function

KINDS = frozenset(
    {
        "httpTrigger",
        "timerTrigger",
        "eventGridTrigger",
        "serviceBusTrigger",
        "orchestrationTrigger",
        "activityTrigger",
        "entityTrigger",
    }
)


def sort_by_kind(functions: Iterable[Function]) -> Mapping[str, list[Function]]:
    """Functions by trigger type. Raises HostError for every function that cannot be served, all at once."""
    sorted_out: dict[str, list[Function]] = defaultdict(list)
    problems: list[str] = []
    for function in functions:
        try:
            _check(function)
        except HostError as error:
            problems.append(str(error))
        sorted_out[function.kind].append(function)
    if problems:
        raise HostError("; ".join(problems))
    return sorted_out


def _check(function: Function) -> None:
    if function.kind not in KINDS:
        raise HostError(
            f"function {function.name!r} has trigger {function.kind!r}, which this host does not serve: "
            f"use one of {', '.join(sorted(KINDS))} or set AzureWebJobs.{function.name}.Disabled=true"
        )
    check_bindings(function)
    check_annotation(function)
