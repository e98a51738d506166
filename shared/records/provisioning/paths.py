"""Where records of provisioning lie in the state container.

They stand apart from the other paths, of which there are enough in one module.
"""

ORDERS = "provisioning/orders/"
STANDINGS = "provisioning/teams/"


def order(name: str) -> str:
    """The record of the order called *name*: what was asked for, and every state that was told."""
    return f"{ORDERS}{name}/order.json"


def standing(team: str, step: str) -> str:
    """Where a team's step stands: which order is at work on it, and what the last one made."""
    return f"{STANDINGS}{team}/{step}.json"


def platform(name: str) -> str:
    """What the last look called *name* has found of the platform."""
    return f"provisioning/platform/{name}.json"


def verified(team: str, step: str, name: str) -> str:
    """The audit log's key of the entry that says that the order called *name* was verified."""
    return f"provisioning/{team}/{step}/verified/{name}"


def gone(team: str, step: str, name: str) -> str:
    """The audit log's key of the entry that says that what the order called *name* had made was torn down."""
    return f"provisioning/{team}/{step}/gone/{name}"


def plans(name: str) -> str:
    """The prefix of the plans that were made for the order called *name*."""
    return f"{ORDERS}{name}/plans/"


def plan(name: str, run: int) -> str:
    """The plan that *run* made."""
    return f"{plans(name)}{run}.json"
