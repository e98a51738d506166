"""Which orchestrations this host may run, by the version that each was started with.

The rules are those of the Durable Task Framework's dispatcher: an instance has its version for life, and the host
compares it with `defaultVersion` of its own host.json before every step.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

# What .NET's System.Version reads: two to four numbers. A single number is none, so that "10" and "9" are compared as
# text, and "10" is the older one.
_NUMBERS = re.compile(r"\d{1,9}(\.\d{1,9}){1,3}")


class MatchStrategy(StrEnum):
    """`versionMatchStrategy` of host.json."""

    NONE = "None"
    STRICT = "Strict"
    CURRENT_OR_OLDER = "CurrentOrOlder"


class FailureStrategy(StrEnum):
    """`versionFailureStrategy` of host.json: leave an instance for another host, or fail it."""

    REJECT = "Reject"
    FAIL = "Fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioning:
    """The version that new instances get, and what becomes of instances of other versions."""

    default: str | None = None
    match: MatchStrategy = MatchStrategy.CURRENT_OR_OLDER
    failure: FailureStrategy = FailureStrategy.REJECT

    def of_new(self, version: str | None) -> str | None:
        """The version of an instance that is started now; *version* is what the caller asked for, if anything."""
        return self.default if version is None else version

    def may_run(self, version: str | None) -> bool:
        """Whether this host runs an instance of *version*."""
        match self.match:
            case MatchStrategy.NONE:
                return True
            case MatchStrategy.STRICT:
                return (version or "") == (self.default or "")
            case MatchStrategy.CURRENT_OR_OLDER:
                return _is_current_or_older(version or "", self.default or "")


def _is_current_or_older(version: str, current: str) -> bool:
    """Whether *version* is *current* or older. No version is older than any."""
    if not version.strip() or not current.strip():
        return not version.strip()
    if _NUMBERS.fullmatch(version) and _NUMBERS.fullmatch(current):
        return _numbers(version) <= _numbers(current)
    return version.upper() <= current.upper()


def _numbers(version: str) -> tuple[int, ...]:
    """A version with fewer numbers is the older one, as in .NET: 1.0 comes before 1.0.0."""
    return tuple(int(number) for number in version.split("."))
