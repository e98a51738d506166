"""Notices that could not be sent, among the other dead letters. A replay sends one anew, as a sending of its own."""

import asyncio
import re
from dataclasses import replace
from datetime import datetime

from shared.clients import Clients
from shared.domain.teams.ownership import Scope
from shared.notice_page.words import title_of
from shared.records.notices.letters import DEAD, DeadNotice, dead_notices, dead_path, plan_letter
from triggers.http.exchange.problems import Problem
from triggers.http.letters.types import LetterRow, LetterShown, Replayed

_PATH = re.compile(r"notices/dead/([0-9a-f]{32})\.json")


def is_notice_letter(path: str) -> bool:
    return _PATH.fullmatch(path) is not None


def rows(clients: Clients, scope: Scope) -> list[LetterRow]:
    """The letters inside *scope*; one of several teams is the platform's."""
    letters = [entry.record for entry in dead_notices(clients.store)]
    return [_row(dead) for dead in letters if scope.whole or scope.covers(_team(dead))]


async def owner(clients: Clients, path: str) -> str | None:
    """The team that the letter at *path* is about; None where it is not there."""
    dead = await asyncio.to_thread(clients.store.get, DeadNotice, path)
    return None if dead is None else _team(dead)


async def show(clients: Clients, path: str) -> LetterShown:
    dead = await asyncio.to_thread(_find, clients, path)
    events = tuple({"id": waiting.notice.event, "says": title_of(waiting.notice)} for waiting in dead.letter.notices)
    would = tuple((_would(dead),) for _ in events)
    return LetterShown(path=path, stored=dead.at, reason=dead.reason, events=events, would=would)


async def replay(clients: Clients, path: str, dry_run: bool) -> Replayed:
    dead = await asyncio.to_thread(_find, clients, path)
    if not dry_run:
        await asyncio.to_thread(_open_again, clients, dead)
    return Replayed(path=path, dry_run=dry_run, events=((_would(dead),),))


def _open_again(clients: Clients, dead: DeadNotice) -> None:
    """Open the letter first. A crash in between leaves both, and the dead one stands: nothing is sent or lost."""
    now: datetime = clients.clock.now()
    letter = replace(
        dead.letter,
        planned=now.isoformat(timespec="milliseconds"),
        next_at=now.isoformat(timespec="milliseconds"),
        attempts=0,
        accepted=False,
        replays=dead.letter.replays + 1,
        reason="",
    )
    plan_letter(clients.store, letter)
    clients.store.delete(dead_path(letter.id))


def _would(dead: DeadNotice) -> str:
    return f"sends it to {dead.letter.recipient} within a minute or two"


def _row(dead: DeadNotice) -> LetterRow:
    reason = f"a notice to {dead.letter.recipient}: {dead.reason}"
    return LetterRow(path=f"{DEAD}{dead.letter.id}.json", stored=dead.at, reason=reason)


def _team(dead: DeadNotice) -> str:
    teams = {waiting.notice.team for waiting in dead.letter.notices}
    return teams.pop() if len(teams) == 1 else ""


def _find(clients: Clients, path: str) -> DeadNotice:
    dead = clients.store.get(DeadNotice, path)
    if dead is None:
        raise Problem(404, "no such letter", f"{path} is not there; list the letters first")
    return dead
