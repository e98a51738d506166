"""What keeps a run, a training or a promotion from its end, and who can mend it: a sentence for each condition."""

import asyncio
from collections.abc import Iterator

from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.inference.runs import RunOutcome
from shared.domain.teams.ownership import Belonging
from shared.domain.teams.quotas import WAITING_FOR_ROOM
from shared.durable.starting import find_instance
from shared.records import paths as records
from shared.records.inference import find_run
from shared.records.retraining import find_retraining
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem
from triggers.http.inference.run_records import HeldOutput, Quarantine
from triggers.http.inference.runs import RunShown, show_run
from triggers.http.promotion.promotions import Explained, explain_promotion

_AT_WORK = "nobody is waited for"


async def explain_anything(request: ApiRequest, name: str) -> Explained:
    """Each unmet condition of a run, a training or a promotion, and who can meet it."""
    clients = request.clients
    if await asyncio.to_thread(clients.store.exists, records.promotion(name)):
        return await explain_promotion(request, name)
    if await asyncio.to_thread(find_run, clients.store, name):
        run = await show_run(request, name)
        return Explained(run=name, fate=run.outcome, unmet=tuple(_unmet_of_run(clients, run)))
    training = await asyncio.to_thread(find_retraining, clients.store, name)
    if training is None:
        instance = await find_instance(request.client, name)
        if instance is not None and instance.running:
            return Explained(fate="", unmet=(f"{name} is at work ({instance.step}); {_AT_WORK}",))
        detail = f"no run, promotion or training is called {name!r}; `status`, `promotions` and `retraining` list them"
        raise Problem(404, "no such run or promotion", detail)
    because = training.because or f"it is at work; {_AT_WORK}"
    return Explained(run=name, fate=training.outcome.value if training.outcome else "", unmet=(because,))


def _unmet_of_run(clients: Clients, run: RunShown) -> Iterator[str]:
    if run.quarantine is not None and run.outcome == RunOutcome.QUARANTINED.value:
        yield from _explain_quarantine(run.run, run.quarantine)
    elif run.held is not None and run.outcome == RunOutcome.HELD.value:
        yield from _explain_held(run.run, run.held)
    elif not run.outcome:
        yield _under_way(run)
    elif run.outcome == RunOutcome.FAILED.value:
        roles = _mender(clients, run)
        yield f"{_one_line(run.because)}; it can be met by {roles}; then `signalbox reprocess {run.run} --reason WHY`"
    elif run.outcome not in (RunOutcome.COMPLETED.value, RunOutcome.DUPLICATE.value):
        yield f"{_one_line(run.because)}; `signalbox reprocess {run.run} --reason WHY` scores its files again"


def _explain_quarantine(run: str, quarantine: Quarantine) -> Iterator[str]:
    for line in quarantine.because:
        yield f"{line}; it can be met by the sender of the data, with a corrected file"
    if quarantine.waits:
        yield (
            f"nobody has released it as it is; it can be met by {quarantine.may_release} until {quarantine.until}: "
            f"`signalbox release {run} --reason WHY`"
        )
    else:
        yield f"nobody released it until {quarantine.until}: its files are kept in {quarantine.files}"


def _explain_held(run: str, held: HeldOutput) -> Iterator[str]:
    for line in held.because:
        yield f"{line}; it can be met by the owner of the model, with a version that answers as the contract says"
    if held.waits:
        yield (
            f"nobody has released its output as it is; it can be met by {held.may_release} until {held.until}: "
            f"`signalbox release {run} --output --reason WHY`"
        )
    else:
        yield f"nobody released its output until {held.until}: `signalbox reprocess {run} --reason WHY` scores it again"


def _one_line(because: str) -> str:
    return " ".join(because.split())


def _under_way(run: RunShown) -> str:
    if not run.step:
        return "its orchestration is gone; it can be met by nobody, and the timer's next sweep ends it"
    if run.step == WAITING_FOR_ROOM:
        return f"{run.because}; it can be met by the end of another run of the team, or by the platform: a larger quota"
    job = f"; its job is {run.job.job}: `signalbox logs {run.run}`" if run.job else ""
    return f"it is at work ({run.step}); {_AT_WORK}{job}"


def _mender(clients: Clients, run: RunShown) -> str:
    """Those whom the failure concerns: the model's owner where its job failed, and else those who operate there."""
    configuration = clients.configuration
    team = configuration.team_of(Belonging.ROUTE, run.route)
    operators = configuration.permissions.who_may(Action.OPERATE, run.environment, team)
    if run.job is None:
        return operators
    if not run.job.log:  # The job completed, and what it has put out, or where that goes, does not do.
        return f"{operators} (`signalbox logs {run.run}` prints what its job said)"
    name = run.model.partition(":")[0]
    owner = next((model.owner for model in clients.configuration.ladder.models if model.name == name), "")
    return f"{owner or 'the owner of the model'}, who reads `signalbox logs {run.run}` and mends {name}"
