"""One error rate for all the challengers that ask the same hold-out in a year: each look spends a part of it.

Look k of N expected ones spends the share N / ((k + N - 1)(k + N)) of alpha. All the shares together are 1, however
many looks there will be; half is spent on the first N.
"""

from dataclasses import dataclass

EXPECTED = 12  # A retraining every month.
YEAR_S = 365 * 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """This challenger is number *number* of those that asked this version of the hold-out since *since*, in the year
    that began then; *expected* are so many.
    """

    number: int
    expected: int = EXPECTED
    since: str = ""

    @property
    def share(self) -> float:
        """Of the year's alpha, what this look may spend."""
        # The shares sum to 1 without a last look. Equal shares would allow the expected number of looks and no further
        # one.
        return self.expected / ((self.number + self.expected - 1) * (self.number + self.expected))


def spent_confidence(confidence: float, look: Look | None) -> float:
    """The confidence of one look such that all looks of a year together keep the *confidence* that is configured."""
    return confidence if look is None else 1 - (1 - confidence) * look.share


def shared_confidence(confidence: float, intervals: int) -> float:
    """The confidence of each of *intervals* such that all of them hold together at *confidence* (Bonferroni)."""
    return 1 - (1 - confidence) / max(1, intervals)
