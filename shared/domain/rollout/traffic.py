"""The traffic of an endpoint during a rollout, in percent by deployment, and which answers are a deployment's fault.

It stands alone because moves, looks, their records and the adapters of figures must agree on both.
"""

from collections.abc import Iterable, Mapping

_FAULTS = frozenset({408, 424, 429})


def is_fault(status: int) -> bool:
    """Whether an answer with *status* is the deployment's own fault, as 401 and 404 are not."""
    return status in _FAULTS or 500 <= status <= 599


def shares(deployment: str, weight: int, champion: str) -> dict[str, int]:
    """*weight* percent for *deployment*, and the rest for *champion*, which is empty for a first version."""
    traffic = {deployment: weight, champion: 100 - weight}
    return {name: share for name, share in traffic.items() if name and share}


def is_ours(traffic: Mapping[str, int], deployment: str, champion: str, weights: Iterable[int]) -> bool:
    """Whether *traffic* is that before the rollout of *deployment*, or of one of its steps."""
    before = {champion: 100} if champion else {}
    return traffic == before or any(traffic == shares(deployment, weight, champion) for weight in weights)
