"""Names that a person may have meant: an unknown one is an error, with what is near."""

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from signalbox.cli.app_client import AppClient
from signalbox.cli.errors import CliError, RefusedByApp, UnknownName

_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNames:
    """The names in one of the app's lists; *whole* where its first page is all of it."""

    kind: str
    path: str
    rows: str
    name: str
    whole: bool = False

    def read(self, app: AppClient) -> list[str]:
        """The newest of them, none where they may not be read."""
        try:
            return [str(row[self.name]) for row in app.get(self.path)[self.rows]]
        except CliError:
            return []


RUNS = KnownNames(kind="run", path="runs", rows="runs", name="run")
PROMOTIONS = KnownNames(kind="promotion", path="promotions", rows="promotions", name="promotion")
ROLLOUTS = KnownNames(kind="rollout", path="rollouts", rows="rollouts", name="promotion")
IMPORTS = KnownNames(kind="import", path="imports", rows="imports", name="name")
SCHEDULES = KnownNames(kind="schedule", path="schedules", rows="schedules", name="schedule")
LETTERS = KnownNames(kind="dead letter", path="dead-letters", rows="letters", name="path")
MODELS = KnownNames(kind="model", path="models", rows="models", name="name", whole=True)
ROUTES = KnownNames(kind="route", path="configuration", rows="routes", name="name", whole=True)
STAGES = KnownNames(kind="stage", path="configuration", rows="ladder", name="name", whole=True)
ENVIRONMENTS = KnownNames(kind="environment", path="configuration", rows="environments", name="name", whole=True)


@contextmanager
def suggesting(app: AppClient, known_names: KnownNames, name: str) -> Iterator[None]:
    """Add what is near to the app's refusal of *name*; a refusal of a name that is not there is an UnknownName."""
    try:
        yield
    except UnknownName as error:
        names = known_names.read(app)
        if known_names.whole and name in names:
            raise  # It refuses another name of the same request, for which a guess is made elsewhere.
        raise UnknownName(error.message + guess_name(name, names)) from error
    except RefusedByApp as error:
        names = known_names.read(app) if known_names.whole else []
        if not names or name in names:
            raise
        raise UnknownName(error.message + guess_name(name, names)) from error


def refuse_unknown(app: AppClient, known_names: KnownNames, name: str, also: Iterable[str] = ()) -> None:
    """For a list that came back empty. Raises UnknownName where *name* is neither configured nor in *also*."""
    names = [*known_names.read(app), *also]
    if not names or name in names:
        return
    guess = guess_name(name, names)
    name_list = f"; there are: {', '.join(sorted(names)[:_SHOWN])}"
    raise UnknownName(f"there is no {known_names.kind} called {name!r}{guess or name_list}")


def guess_name(name: str, names: Iterable[str]) -> str:
    """`; did you mean ...?` with at most three of *names* that resemble *name*, empty where none does."""
    candidates = list(dict.fromkeys(names))
    alike = [candidate for candidate in candidates if name and candidate.startswith(name)]
    alike += difflib.get_close_matches(name, candidates, 3, 0.7)
    guesses = list(dict.fromkeys(alike))[:3]
    return f"; did you mean {' or '.join(guesses)}?" if guesses else ""
