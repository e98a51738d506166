"""The kinds of trigger this host serves. A function of another kind stops the host with its name."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping

from signalbox.host.azure_storage.triggers import check_trigger
from signalbox.host.bindings import check_annotation, check_bindings
from signalbox.host.data_bindings.bound_calls import check_settings
from signalbox.host.errors import HostError
from signalbox.host.functions import Function
from signalbox.host.indexing.definitions import check_definition
from signalbox.host.log import LOGGER
from signalbox.host.triggers.retries import check_retries

KINDS = frozenset(
    {
        "httpTrigger",
        "timerTrigger",
        "warmupTrigger",
        "eventGridTrigger",
        "serviceBusTrigger",
        "queueTrigger",
        "blobTrigger",
        "orchestrationTrigger",
        "activityTrigger",
        "entityTrigger",
    }
)


def sort_by_kind(functions: Iterable[Function], *, leave_out: bool = False) -> Mapping[str, list[Function]]:
    """Functions by trigger type. Those that cannot be served are left out with a warning, or raise one HostError."""
    sorted_out: dict[str, list[Function]] = defaultdict(list)
    problems: list[str] = []
    for function in functions:
        try:
            _check(function)
        except HostError as error:
            problems.append(str(error))
        else:
            sorted_out[function.kind].append(function)
    if problems and not leave_out:
        raise HostError("; ".join(problems))
    for problem in problems:
        LOGGER.warning("left out: %s", problem)
    return sorted_out


def _check(function: Function) -> None:
    if function.kind not in KINDS:
        raise HostError(
            f"function {function.name!r} has trigger {function.kind!r}, which this host does not serve: "
            f"use one of {', '.join(sorted(KINDS))} or set AzureWebJobs.{function.name}.Disabled=true"
        )
    check_bindings(function)
    check_definition(function)
    check_annotation(function)
    check_settings(function, os.environ)
    check_trigger(function, os.environ)
    check_retries(function)
