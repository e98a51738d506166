"""The traffic of an endpoint during a rollout, in percent by deployment; deployments without any are left out.

It stands alone because moves, looks and their records must agree on what a weight means.
"""

from collections.abc import Iterable, Mapping


def shares(deployment: str, weight: int, champion: str) -> dict[str, int]:
    """*weight* percent for *deployment*, and the rest for *champion*, which is empty for a first version."""
    traffic = {deployment: weight, champion: 100 - weight}
    return {name: share for name, share in traffic.items() if name and share}


def is_ours(traffic: Mapping[str, int], deployment: str, champion: str, weights: Iterable[int]) -> bool:
    """Whether *traffic* is that before the rollout of *deployment*, or of one of its steps."""
    before = {champion: 100} if champion else {}
    return traffic == before or any(traffic == shares(deployment, weight, champion) for weight in weights)
