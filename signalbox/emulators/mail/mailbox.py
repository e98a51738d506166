"""The local mailbox: everything that was sent by mail or to Teams, in the order in which it came."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from signalbox.emulators.database import open_database

_TABLES = """
CREATE TABLE IF NOT EXISTS messages (
  number INTEGER PRIMARY KEY, channel TEXT, reference TEXT, sender TEXT, recipient TEXT, subject TEXT,
  text TEXT, html TEXT, card TEXT, came TEXT
);
CREATE TABLE IF NOT EXISTS operations (id TEXT PRIMARY KEY, status TEXT);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """*channel* is what brought it; *reference* is its Message-ID or operation id. *card* is that of a webhook."""

    channel: str
    reference: str
    sender: str
    recipient: str
    subject: str
    text: str = ""
    html: str = ""
    card: str = ""


class Mailbox:
    """Survives a restart; *number* counts from 1."""

    def __init__(self, path: Path) -> None:
        self._database = open_database(path)
        self._database.executescript(_TABLES)

    def put(self, message: SentMessage) -> None:
        came = datetime.now(UTC).isoformat(timespec="seconds")
        self._database.execute(
            "INSERT INTO messages (channel, reference, sender, recipient, subject, text, html, card, came) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.channel,
                message.reference,
                message.sender,
                message.recipient,
                message.subject,
                message.text,
                message.html,
                message.card,
                came,
            ),
        )

    def messages(self) -> list[dict[str, Any]]:
        """The newest first."""
        return [dict(row) for row in self._database.execute("SELECT * FROM messages ORDER BY number DESC LIMIT 500")]

    def message(self, number: int) -> dict[str, Any] | None:
        row = self._database.execute("SELECT * FROM messages WHERE number = ?", (number,)).fetchone()
        return None if row is None else dict(row)

    def note_operation(self, operation: str, status: str) -> None:
        self._database.execute("INSERT OR REPLACE INTO operations VALUES (?, ?)", (operation, status))

    def operation(self, operation: str) -> str | None:
        row = self._database.execute("SELECT status FROM operations WHERE id = ?", (operation,)).fetchone()
        return None if row is None else str(row["status"])


def card_title(card: str) -> str:
    """The first line of an adaptive card, which a chat shows first."""
    body = json.loads(card)["body"]
    inlines = body[0].get("inlines") or [{"text": body[0].get("text", "")}]
    return "".join(str(inline["text"]) for inline in inlines)
