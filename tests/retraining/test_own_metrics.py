"""A metric of the project decides whether a retraining has made a better model, and whether that is promoted."""

from pathlib import Path

import pytest

from shared import contracts as c
from shared.adapters.project_functions.functions import ProjectFunctionProcesses
from shared.domain.project_functions import digest_of
from tests.promotion.test_own_metrics import COST, METRIC, own_gate, with_gate
from tests.retraining.conftest import RetrainingApp


@pytest.mark.parametrize(
    ("error", "outcome"), [(1.0, c.RetrainingOutcome.BETTER), (3.0, c.RetrainingOutcome.NOT_BETTER)]
)
async def test_a_challenger_is_judged_by_it_from_the_training_to_production(
    app: RetrainingApp, tmp_path: Path, error: float, outcome: c.RetrainingOutcome
) -> None:
    gate = own_gate(tmp_path)
    configuration = with_gate(app.clients.configuration, gate)
    vars(app.clients).update(configuration=configuration, project_functions=ProjectFunctionProcesses(tmp_path))
    app.change(gate=gate, candidate="")
    await app.serve(error=2.0)
    app.pipelines.error = error

    result = await app.by_hand()

    assert result.outcome is outcome, result.because
    judgement = app.part("evaluation.json")
    assert (METRIC in str(judgement), digest_of(COST.encode()) in str(judgement)) == (True, True), judgement
    if outcome is c.RetrainingOutcome.BETTER:
        assert (await app.finish(result.promotion)).fate is c.Fate.PROMOTED
    else:
        assert not [key for key in app.cloud.state["assets"] if "churn:2" in key]
