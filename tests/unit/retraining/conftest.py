"""Rules of retraining, and causes, as the tests of this folder make them."""

from datetime import UTC, datetime, timedelta

from shared.domain.inference.routes import Workspace
from shared.domain.retraining.causes import Cause, CauseKind
from shared.domain.retraining.pipelines import Pipeline, PipelineKind
from shared.domain.retraining.rules import Retraining

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
DEV = Workspace(name="dev", subscription="s", resource_group="g", workspace="dev")
RULES = Retraining(
    model="churn", pipeline=Pipeline(kind=PipelineKind.JOB, workspace=DEV, name="train:1"), experiment="churn"
)


def cause(kind: CauseKind = CauseKind.DRIFT, ago_s: float = 3600, number: int = 0) -> Cause:
    at = NOW - timedelta(seconds=ago_s)
    return Cause(id=f"{kind.value}-{number}", model="churn", kind=kind, at=at, because="a test")
