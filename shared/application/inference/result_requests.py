"""Note who asked for a run by a message, before the run is started; answer at once if the run has ended.

A run sends its results after its record is closed. A sender who is noted before that gets the result from the run. A
sender who finds the record closed gets it from the record, under the same message id.
"""

import asyncio
from collections.abc import Sequence

from shared import contracts as c
from shared.domain import identity
from shared.domain.messaging import Asker
from shared.durable.starting import Client, start_once
from shared.ports import DataHub
from shared.records import inference as run_records


def note_askers(hub: DataHub, inference: c.Inference, askers: Sequence[Asker], name: str = "") -> None:
    """*name* stands for all of them, the one asker's message where it is left out. Safe to repeat."""
    store = run_records.store_of(hub, inference)
    run_records.note_askers(store, inference.run, askers, identity.digest(name or askers[0].message))


def askers_of(hub: DataHub, inference: c.Inference) -> list[Asker]:
    """Everybody who asked for the run by a message."""
    return run_records.askers_of(run_records.store_of(hub, inference), inference.run)


def recorded_result(hub: DataHub, inference: c.Inference) -> c.InferenceResult | None:
    """How the run has ended, by its record; None where it has not."""
    run_record = run_records.find_run(run_records.store_of(hub, inference), inference.run)
    return None if run_record is None else run_record.result


async def answer_late(client: Client, hub: DataHub, inference: c.Inference, name: str) -> None:
    """Tell what became of the run, if it has ended, to those who were noted under *name*."""
    if not inference.hub.results:
        return
    result = await asyncio.to_thread(recorded_result, hub, inference)
    if result is None:
        return
    key = identity.effect_key(inference.run, f"told-{result.outcome.value}")
    telling = c.Telling(key=key, inference=inference, result=result)
    await start_once(client, c.ANSWER_LATE, identity.answer_id(inference.run, name), telling)
