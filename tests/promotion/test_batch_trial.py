"""The exit gate `batch_rows_answered`: some rows of the hold-out go through the deployment's own batch job."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.data.data_contract import Column, DataContract
from shared.domain.gates import GateSpec
from shared.domain.promotion.gate_specs import BATCH_GATE
from shared.domain.promotion.ladder import Stage
from tests.fakes.ports import MemoryJobLogs, MemoryJobs
from tests.promotion.conftest import CONFIGURATION, EXIT, STAGES, PromotionApp, running

GATE = GateSpec(gate=BATCH_GATE, options={"rows": 20})
TRYING = replace(
    CONFIGURATION,
    ladder=replace(
        CONFIGURATION.ladder,
        stages=tuple(
            replace(stage, exit_gates=(*EXIT, GATE)) if stage.name == "preprod" else stage for stage in STAGES
        ),
    ),
)


@pytest.fixture
async def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PromotionApp]:
    async with running(TRYING, tmp_path, monkeypatch) as app:
        app.register("1", error=1.0)
        predict = app.cloud.predict["churn:1"]
        columns = (Column(name="id", type="integer"), Column(name="x", type="integer"))
        contract = DataContract(format="csv", columns=columns)
        app.clients.data_checks.contract = lambda path: (contract, None)  # type: ignore[method-assign]
        jobs_of(app).predict = lambda row: predict({"x": row.split(",")[1]})
        yield app


def jobs_of(app: PromotionApp) -> MemoryJobs:
    return app.clients.jobs  # type: ignore[return-value]


async def promoted(app: PromotionApp) -> c.PromotionResult:
    return await app.finish(await app.promote("churn:1", to="preprod"))


async def test_a_version_whose_batch_job_answers_each_row_as_online_is_promoted(app: PromotionApp) -> None:
    result = await promoted(app)

    assert result.fate is c.Fate.PROMOTED, result.because
    path = f"promotions/{result.id}/preprod/exit/evidence.json"
    evidence = json.loads(app.hub.read("signalbox", path) or b"")
    (verdict,) = [verdict for verdict in evidence["verdicts"] if verdict["gate"] == BATCH_GATE]
    assert verdict["because"].endswith("and 20 are what the online deployment answers")
    assert list(jobs_of(app).created.values()) == [1]


async def test_a_row_that_does_not_come_back_holds_the_version_and_leaves_nothing(app: PromotionApp) -> None:
    jobs_of(app).lose_rows = 2

    result = await promoted(app)

    assert result.fate is c.Fate.HELD
    assert f"{BATCH_GATE}: fail: 18 lines of output for 20 rows: 2 missing" in result.because[0]
    assert "the scoring script returned fewer rows than it read" in result.because[0]
    assert not [*app.hub.list("signalbox-staging", "promotions/")]


async def test_a_job_that_fails_is_told_with_the_line_of_the_script(app: PromotionApp) -> None:
    jobs_of(app).status_after = lambda looks: "Failed"
    frames = ["/azureml/code/score.py", "/lib/pandas/frame.py"]
    log = "".join(f'  File "{path}", line {line}, in x\n' for line, path in enumerate(frames, 25))
    logs: MemoryJobLogs = app.clients.job_logs  # type: ignore[assignment]
    logs.logs["guid-1"] = {"logs/user/error.txt": f"{log}KeyError: 'age'\n".encode()}

    result = await promoted(app)

    assert result.fate is c.Fate.HELD
    assert "the job ended as Failed: score.py:25: KeyError" in result.because[0]


async def test_a_batch_job_that_answers_otherwise_than_online_is_held(app: PromotionApp) -> None:
    jobs_of(app).predict = lambda row: 1.5

    result = await promoted(app)

    assert result.fate is c.Fate.HELD
    assert "batch and online answer 20 of 20 rows otherwise: row 1 of those asked, " in result.because[0]


async def test_a_submission_whose_answer_is_lost_is_found_again_and_not_repeated(app: PromotionApp) -> None:
    jobs_of(app).lose_next_answer = True

    result = await promoted(app)

    assert result.fate is c.Fate.PROMOTED, result.because
    assert list(jobs_of(app).created.values()) == [1]
    assert not jobs_of(app).lose_next_answer


async def test_the_job_of_a_promotion_that_is_ended_is_cancelled(app: PromotionApp) -> None:
    jobs_of(app).status_after = lambda looks: "Running"

    promotion = await app.promote("churn:1", to="preprod")
    await app.until(lambda: bool(jobs_of(app).jobs))
    result = await app.finish(promotion)  # It waits no longer than a deployment may take.

    assert result.fate is c.Fate.FAILED
    assert "try_batch" in result.because[0]
    assert sum(jobs_of(app).cancelled.values()) == 1


def test_a_plan_without_the_gate_has_the_moves_it_always_had() -> None:
    from shared.domain.promotion.plans import Move, Phase, StagePlan

    def moves(stage: Stage) -> tuple[Move, ...]:
        return StagePlan(stage=stage).moves(Phase.ENTRY)

    plain, trying = STAGES[1], replace(STAGES[1], exit_gates=(*EXIT, GATE))

    assert moves(trying) == (*moves(plain), Move.TRY_BATCH)
    assert Move.TRY_BATCH not in moves(plain)
    assert Move.TRY_BATCH not in moves(replace(trying, serving=replace(trying.serving, batch="")))
