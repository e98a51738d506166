"""What a rollout compares beside errors: outputs, clients instead of requests, and the soak with the week before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from shared import contracts as c
from shared.domain.rollout.policy import (
    ComparedOutputs,
    ComparisonRules,
    CountSource,
    LookRule,
    Soak,
    SoakReference,
)
from shared.domain.statistics.sequential.counts import MinuteCounts
from shared.domain.statistics.sequential.rollout_evidence import RoutedUnit
from shared.records.production.rollouts import step_at
from tests.rollout.conftest import POLICY, RolloutApp, because, release_first, running

pytestmark = pytest.mark.xdist_group("rollout comparisons")  # One process plays what they begin with.

OUTPUTS = replace(
    POLICY, compare=ComparisonRules(outputs=ComparedOutputs(classes=("0", "1"), lag_s=600, worse=3.0, weight=0.5))
)
SOAK = replace(POLICY, soak=Soak(for_s=7200, requests=1000, compare=SoakReference.WEEK_BEFORE))
CLIENTS = replace(POLICY, look=LookRule(counts=CountSource.TRAFFIC_LOG, unit=RoutedUnit.CONNECTION))
SLOWEST = replace(POLICY, look=replace(POLICY.look, longest_s=180))
OFTEN = replace(POLICY, look=replace(POLICY.look, every_s=300))
COLLECTED = replace(POLICY, look=replace(POLICY.look, lag_s=240, counts=CountSource.COLLECTOR))


@pytest.fixture
async def comparing(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RolloutApp]:
    async for made in running(request.param, tmp_path, monkeypatch, after=(release_first,)):
        yield made


@pytest.fixture
async def comparing_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    async for made in running(OUTPUTS, tmp_path, monkeypatch, after=(release_first,)):
        yield made


@pytest.fixture
async def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[RolloutApp]:
    """Looks wait for requests of three minutes."""
    async for made in running(SLOWEST, tmp_path, monkeypatch, after=(release_first,)):
        yield made


async def until_soak(app: RolloutApp, promotion: str) -> None:
    """Until version 2 has all traffic."""
    await app.until(lambda: len(app.traffic) == 2)
    await app.until(lambda: len(app.traffic) == 1, every_s=300)
    await app.pass_time(minutes=20)  # The last step.


@pytest.mark.parametrize("comparing", [OUTPUTS], indirect=True)
async def test_equal_outputs_go_to_production(comparing: RolloutApp) -> None:
    promotion = await comparing.promote(str(await comparing.entered("2")), "prod")
    assert (await comparing.finish(promotion)).fate is c.Fate.PROMOTED
    _, drawn = await comparing.ask("GET", f"rollouts/{promotion}/page?step=1")
    assert "outputs 1" in drawn["html"]
    assert "outputs unread" in drawn["html"]


@pytest.mark.parametrize("comparing", [OUTPUTS], indirect=True)
async def test_other_outputs_without_any_error_are_aborted(comparing: RolloutApp) -> None:
    before = comparing.traffic
    (champion,) = before
    comparing.outputs.ones = lambda deployment: 0.3 if deployment == champion else 0.6
    result = await comparing.finish(await comparing.promote(str(await comparing.entered("2")), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "worse in outputs 1" in because(result)
    assert comparing.traffic == before


async def first_step(app: RolloutApp) -> dict[str, list[MinuteCounts]]:
    """What the first step of version 2 has counted, by comparison."""
    promotion, statements = await app.shifting(), app.clients.statements
    await app.until(lambda: step_at(statements, promotion, "prod", 0) is not None, every_s=300)
    record = step_at(statements, promotion, "prod", 0)
    assert record is not None
    return {name: [*record.counts.minutes.get(name, ()), *minutes] for name, minutes in record.last.minutes.items()}


async def test_outputs_that_are_collected_late_are_counted_once_they_have_come(comparing_outputs: RolloutApp) -> None:
    (champion,) = comparing_outputs.traffic
    comparing_outputs.outputs.late_s = lambda deployment: 0 if deployment == champion else 1500
    minutes = (await first_step(comparing_outputs))["outputs 1"]
    assert minutes
    assert all(minute.canary for minute in minutes), minutes


async def test_requests_that_end_later_than_the_figures_are_late_are_in_the_counts(waiting: RolloutApp) -> None:
    waiting.requests.bad_share = lambda deployment: 0.1
    waiting.requests.bad_takes_s = SLOWEST.look.lag_s + SLOWEST.look.longest_s
    minutes = (await first_step(waiting))["errors"]
    assert len(minutes) > 10
    assert all(minute.champion_bad for minute in minutes), minutes


@pytest.mark.parametrize("comparing", [OFTEN], indirect=True)
async def test_requests_that_come_after_their_minute_was_counted_are_in_no_count_and_are_told(
    comparing: RolloutApp,
) -> None:
    comparing.requests.straggling, comparing.requests.straggling_after_s = 3, OFTEN.look.lag_s + 300
    promotion, statements = await comparing.shifting(), comparing.clients.statements
    await comparing.until(lambda: step_at(statements, promotion, "prod", 0) is not None, every_s=300)
    record = step_at(statements, promotion, "prod", 0)
    assert record is not None
    late = 3 * len(record.counts.minutes["errors"])  # Nobody asks for the minutes of the last look again.
    assert late > 0
    assert (record.late.canary, record.late.champion) == (late, late)
    _, shown = await comparing.ask("GET", f"rollouts/{promotion}")
    assert shown["steps"][0]["late"] == {"canary": late, "champion": late}


@pytest.mark.parametrize("comparing", [SOAK], indirect=True)
async def test_a_soak_like_the_week_before_ends_in_production(comparing: RolloutApp) -> None:
    promotion = await comparing.promote(str(await comparing.entered("2")), "prod")
    assert (await comparing.finish(promotion)).fate is c.Fate.PROMOTED
    _, drawn = await comparing.ask("GET", f"rollouts/{promotion}/page?step=4")
    assert "errors against the week before" in drawn["html"]


@pytest.mark.parametrize("comparing", [SOAK], indirect=True)
async def test_a_version_that_turns_bad_in_the_soak_is_put_back(comparing: RolloutApp) -> None:
    before = comparing.traffic
    promotion = await comparing.promote(str(await comparing.entered("2")), "prod")
    await until_soak(comparing, promotion)
    assert comparing.traffic != before
    comparing.requests.past = comparing.minute
    comparing.requests.bad_share = lambda deployment: 0.08
    result = await comparing.finish(promotion)
    assert result.fate is c.Fate.HELD, result
    assert "worse in errors against the week before" in because(result)
    assert comparing.traffic == before


@pytest.mark.parametrize("comparing", [SOAK], indirect=True)
async def test_a_soak_without_a_week_before_waits_for_a_person(comparing: RolloutApp) -> None:
    comparing.requests.began = comparing.minute
    promotion = await comparing.promote(str(await comparing.entered("2")), "prod")
    await until_soak(comparing, promotion)
    await comparing.pass_time(hours=8)
    _, shown = await comparing.ask("GET", f"rollouts/{promotion}")
    assert (shown["step"], shown["decision"]) == (4, "wait"), shown
    assert "0 requests of the same hours a week before were counted, of at least 1000" in shown["because"]


@pytest.mark.parametrize("comparing", [CLIENTS], indirect=True)
async def test_a_client_counts_once_in_the_whole_rollout(comparing: RolloutApp) -> None:
    promotion = await comparing.promote(str(await comparing.entered("2")), "prod")
    assert (await comparing.finish(promotion)).fate is c.Fate.PROMOTED
    records = [step_at(comparing.clients.statements, promotion, "prod", step) for step in range(3)]
    parts = [part for record in records if record for part in (record.counts, record.last)]
    clients = [client for part in parts for client in part.clients]
    assert len(clients) == len(set(clients)) > 1000
    assert sum(minute.canary + minute.champion for part in parts for minute in part.minutes["errors"]) == len(clients)


@pytest.mark.parametrize("comparing", [replace(COLLECTED, look=replace(COLLECTED.look, every_s=300))], indirect=True)
async def test_a_version_whose_answers_are_collected_late_is_not_to_blame(comparing: RolloutApp) -> None:
    (champion,) = comparing.traffic
    comparing.requests.answers_late_s = lambda deployment: 0 if deployment == champion else 600
    promotion = await comparing.shifting()
    await comparing.pass_time(minutes=11)
    _, shown = await comparing.ask("GET", f"rollouts/{promotion}")
    late = "UTC are due and not counted: the data collector has not written past them on every instance"
    assert shown["because"].endswith(late), shown
    result = await comparing.finish(promotion)
    assert result.fate is c.Fate.PROMOTED, result


@pytest.mark.parametrize("comparing", [COLLECTED], indirect=True)
async def test_answers_that_are_never_collected_are_errors_after_three_lags(comparing: RolloutApp) -> None:
    (champion,) = before = comparing.traffic
    comparing.requests.answers_late_s = lambda deployment: 0 if deployment == champion else 10**6
    result = await comparing.finish(await comparing.promote(str(await comparing.entered("2")), "prod"))
    assert result.fate is c.Fate.HELD, result
    assert "worse in errors" in because(result)
    assert comparing.traffic == before
