"""Where a file lands so that a route takes it: the route's path, its folders filled."""

import fnmatch
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from signalbox.cli.app_client import AppClient
from signalbox.cli.errors import Unusable
from signalbox.cli.names import ROUTES, refuse_unknown

_FIELD = re.compile(r"\{(\w+)\}")
_FILLED = "local"  # What stands for a folder that nobody names.


@dataclass(frozen=True, slots=True, kw_only=True)
class Landing:
    """CONTAINER/PATH, and what happens *next*, in words, where that is known.

    *account* is the storage account of a container that is not in the Data Hub's.
    """

    place: str
    next: str = ""
    account: str = ""


def find_landing(app: AppClient, route: str, file: str, captures: Mapping[str, str]) -> Landing:
    """Where *file* lands for *route*, or for the only one that is configured. Raises Unusable or UnknownName."""
    configuration = app.get("configuration")
    routes = {row["name"]: row for row in configuration["routes"]}
    if not routes:
        raise Unusable("no route is configured that would take the file; say where it lands: --to CONTAINER/PATH")
    if not route and len(routes) > 1:
        raise Unusable(f"several routes are configured ({', '.join(sorted(routes))}); name one: --route ROUTE")
    name = route or next(iter(routes))
    if name not in routes:
        refuse_unknown(app, ROUTES, name)
    landing = landing_of(routes[name], file, captures)
    # An app of an earlier release says nothing of accounts.
    return replace(landing, account=configuration.get("accounts", {}).get(landing.place.partition("/")[0], ""))


def landing_of(route: Mapping[str, Any], file: str, captures: Mapping[str, str]) -> Landing:
    """Where *file* lands for *route* (of GET configuration); without a name its folder, which ends with a slash.

    Raises Unusable where its name does not fit.
    """
    folder, _, pattern = route["take"].rpartition("/")
    unknown = sorted(set(captures) - set(_FIELD.findall(folder)))
    if unknown:
        raise Unusable(f"--capture names {unknown[0]!r}; the folders of {route['take']} capture {_names(folder)}")
    example_folder = _FIELD.sub(lambda field: captures.get(field[1], _FILLED), folder)
    segments = [part.replace("*", _FILLED).replace("?", "x") for part in example_folder.split("/") if part != "**"]
    fields = {name: captures.get(name, _FILLED) for name in _FIELD.findall(folder)}
    glob = _FIELD.sub(lambda field: fields.get(field[1], "*"), "*" if pattern == "**" else pattern)
    if file and not fnmatch.fnmatchcase(file, glob):
        raise Unusable(f"route {route['name']} takes {route['take']}, which {file!r} does not fit; rename the file")
    return Landing(place="/".join([*segments, file]), next=_next(route))


def _names(folder: str) -> str:
    return ", ".join(_FIELD.findall(folder)) or "nothing"


def _next(route: Mapping[str, Any]) -> str:
    group, name = route["group"], route["name"]
    if group["kind"] == "marker":
        return f"route {name} scores it once a file {group['marker']['name']} lies beside it"
    if group["kind"] == "window":
        return f"route {name} scores it when no other file has come for {group['window']['quiet_s']} s"
    if group["kind"] == "schedule":
        return f"route {name} scores it when its schedule is due; `signalbox schedules list` says when"
    return f"route {name} scores it; `signalbox status --watch` follows"
