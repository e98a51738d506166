"""What keeps a run from its end, or kept it from a good one, and who can mend it: a sentence for each condition."""

import asyncio
from collections.abc import Iterator

from shared.clients import Clients
from shared.domain.access.permissions import Action
from shared.domain.inference.runs import RunOutcome
from shared.durable.starting import find_instance
from shared.records import paths as records
from shared.records.inference import find_run
from shared.records.retraining import find_retraining
from triggers.http.door import Call
from triggers.http.inference import runs
from triggers.http.problems import Problem
from triggers.http.promotion import promotions
from triggers.http.responses import work as answers

_AT_WORK = "nobody is waited for"


async def explain(call: Call, name: str) -> answers.Explained:
    """Each unmet condition of the promotion, run or training called *name*, with who can meet it."""
    clients = call.clients
    if await asyncio.to_thread(clients.store.exists, records.promotion(name)):
        return await promotions.explain(clients, name)
    if await asyncio.to_thread(find_run, clients.store, name):
        shown = await runs.show_run(call.client, clients, name)
        return answers.Explained(run=name, fate=shown.outcome, unmet=tuple(_unmet_of_run(clients, shown)))
    training = await asyncio.to_thread(find_retraining, clients.store, name)
    if training is None:
        instance = await find_instance(call.client, name)
        if instance is not None and instance.running:
            return answers.Explained(fate="", unmet=(f"{name} is at work ({instance.step}); {_AT_WORK}",))
        said = f"no run, promotion or training is called {name!r}; `status`, `promotions` and `retraining` list them"
        raise Problem(404, "not known", said)
    because = training.because or f"it is at work; {_AT_WORK}"
    return answers.Explained(run=name, fate=training.outcome.value if training.outcome else "", unmet=(because,))


def _unmet_of_run(clients: Clients, shown: answers.RunShown) -> Iterator[str]:
    if shown.quarantine is not None and shown.outcome == RunOutcome.QUARANTINED.value:
        yield from _quarantined(shown.run, shown.quarantine)
    elif not shown.outcome:
        yield _under_way(shown)
    elif shown.outcome == RunOutcome.FAILED.value:
        who = _mender(clients, shown)
        yield f"{_one_line(shown.because)}; it can be met by {who}; then `signalbox reprocess {shown.run} --reason WHY`"
    elif shown.outcome not in (RunOutcome.COMPLETED.value, RunOutcome.DUPLICATE.value):
        yield f"{_one_line(shown.because)}; `signalbox reprocess {shown.run} --reason WHY` scores its files again"


def _quarantined(run: str, quarantine: answers.Quarantine) -> Iterator[str]:
    for line in quarantine.because:
        yield f"{line}; it can be met by whoever sends the data, with a corrected file"
    if quarantine.waits:
        yield (
            f"nobody has released it as it is; it can be met by {quarantine.may_release} until {quarantine.until}: "
            f"`signalbox release {run} --reason WHY`"
        )
    else:
        yield f"nobody released it until {quarantine.until}: its files are kept in {quarantine.files}"


def _one_line(because: str) -> str:
    return " ".join(because.split())


def _under_way(shown: answers.RunShown) -> str:
    if not shown.step:
        return "its orchestration is gone; it can be met by nobody, and the timer's next sweep ends it"
    job = f"; its job is {shown.job.job}: `signalbox logs {shown.run}`" if shown.job else ""
    return f"it is at work ({shown.step}); {_AT_WORK}{job}"


def _mender(clients: Clients, shown: answers.RunShown) -> str:
    """Whoever the failure concerns: the model's owner where its job failed, and else those who operate there."""
    operators = clients.configuration.permissions.who_may(Action.OPERATE, shown.environment)
    if shown.job is None or not shown.job.log:
        return operators
    name = shown.model.partition(":")[0]
    owner = next((model.owner for model in clients.configuration.ladder.models if model.name == name), "")
    return f"{owner or 'whoever owns the model'}, who reads `signalbox logs {shown.run}` and mends {name}"
