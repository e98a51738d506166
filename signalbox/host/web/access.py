"""Who may call what: the keys of a request against the keys of the host.

It stands alone, because every part that serves HTTP asks it.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from signalbox.host.state_folder.keys import Keys, opens, presented_key


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The host's keys, and whether callers must show one: `func start` asks for none unless it is told to."""

    keys: Keys
    required: bool = True

    def admits(self, request: web.Request, *keys: str) -> bool:
        """Whether *request* carries one of *keys*, or the master key, which opens everything."""
        return not self.required or opens(presented_key(request.headers, request.query), *keys, self.keys.master)
