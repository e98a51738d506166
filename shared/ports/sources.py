"""The port of files on the internet, which an import fetches. It stands alone: no other port reaches beyond Azure."""

from typing import IO, Protocol

from shared.domain.datasets.sources import SourceRules


class InternetFiles(Protocol):
    def objection(self, address: str, rules: SourceRules) -> str:
        """Why nothing is fetched from *address*, by what is written in it; empty where it may be tried."""
        ...

    def fetch(self, address: str, rules: SourceRules, target: IO[bytes]) -> str:
        """Write what lies at *address* to *target*, from its beginning; returns the last address of the way there.

        Raises Refused for what *rules* do not allow: a host, also of a redirect, its size, or the time that it takes;
        and for hosts whose addresses are not public.
        """
        ...
