"""Where the records of production lie in the state container."""

from shared.records.paths import PROMOTIONS

ROLLBACKS, ROLLOUTS, RETIREMENTS = "rollbacks/", "rollouts/", "retirements/"
REHEARSALS_OPEN = "rehearsals-open/"


def rollout_look(promotion: str, stage: str, step: int, number: int) -> str:
    """The signed record of one look at a step of a rollout."""
    return f"{rollout_looks(promotion, stage, step)}{number:06d}.dsse.json"


def rollout_looks(promotion: str, stage: str, step: int) -> str:
    """The folder of the looks at a step, whose order is that of their names."""
    return f"{PROMOTIONS}{promotion}/{stage}/rollout/{step}/looks/"


def rollout_step(promotion: str, stage: str, step: int, name: str = "step.dsse.json") -> str:
    """The signed record of a step as it ended, or a page beside it."""
    return f"{PROMOTIONS}{promotion}/{stage}/rollout/{step}/{name}"


def rollout_orders(promotion: str, stage: str) -> str:
    """The folder of what people ordered during a rollout."""
    return f"{PROMOTIONS}{promotion}/{stage}/rollout/orders/"


def traffic_changes(environment: str, endpoint: str) -> str:
    """The folder of the signed changes of an endpoint's traffic."""
    return f"serving/{environment}/{endpoint}/"


def hold(model: str, version: str) -> str:
    """The folder of what keeps a version from being promoted, and of what ended that."""
    return f"holds/{model}/{version}/"


def rollback(name: str) -> str:
    """The record of a rollback as it ended."""
    return f"{ROLLBACKS}{name}/rollback.json"


def rollback_turn(environment: str, endpoint: str) -> str:
    """Which rollback of an endpoint is under way."""
    return f"{ROLLBACKS}turns/{environment}/{endpoint}.json"


def rollout(promotion: str) -> str:
    """Where the rollout of *promotion* stands."""
    return f"{ROLLOUTS}{promotion}.json"


def serving_alerts(environment: str, endpoint: str) -> str:
    """The folder of what was done about the alerts on an endpoint."""
    return f"serving-alerts/{environment}/{endpoint}/"


def serving_alert(environment: str, endpoint: str, name: str) -> str:
    """The folder of what was done about one alert, a statement for each outcome."""
    return f"{serving_alerts(environment, endpoint)}{name}/"


def alert_rollback(environment: str, endpoint: str, name: str) -> str:
    """The ledger key of the one rollback that alerts start of a version that serves."""
    return f"{ROLLBACKS}by-alert/{environment}/{endpoint}/{name}"


def open_retirements(environment: str, endpoint: str) -> str:
    """The folder of the deployments of an endpoint that are being removed."""
    return f"retirements-open/{environment}/{endpoint}/"


def open_retirement(environment: str, endpoint: str, deployment: str) -> str:
    """The record of one deployment that is being removed."""
    return f"{open_retirements(environment, endpoint)}{deployment}.json"


def rehearsals(model: str) -> str:
    """The folder of the rehearsed rollbacks of a model's versions."""
    return f"rehearsals/{model}/"


def batch_arrivals(environment: str, endpoint: str, deployment: str) -> str:
    """The folder of the arrivals of a batch endpoint that *deployment* scores while its rollout is on its way."""
    return f"batch-arrivals/{environment}/{endpoint}/{deployment}/"


def open_rehearsal(rehearsal: str) -> str:
    """The order of a rehearsal that is under way."""
    return f"{REHEARSALS_OPEN}{rehearsal}.json"
