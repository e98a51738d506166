"""Try the batch deployment: some rows of the hold-out are scored as a file, once, before the exit gates are judged.

A job that fails stops nothing here: what came of it is evidence, and its gate refuses.
"""

from collections.abc import Mapping
from typing import Any

from activities.effects import once
from activities.promotion.trials.jobs import trial_file, trial_job, trial_rows
from shared import contracts as c
from shared.clients import Clients
from shared.domain.inference.runs import JobState, job_state


class TryBatch:
    """Implements `Mover`: undoing cancels the job, waits for its end, and removes its files."""

    def before(self, clients: Clients, order: c.MoveOrder) -> dict[str, Any]:
        """The job's name alone: the job and its folder belong to this promotion."""
        return {"job": trial_job(clients, order).name}

    def advance(self, clients: Clients, order: c.MoveOrder) -> str:
        job, staging = trial_job(clients, order), clients.configuration.hub.staging

        def submit() -> c.Submitted:
            name, content = trial_file(clients, order, trial_rows(clients, order))
            clients.hub.create(staging, f"{job.input_path}/{name}", content)
            submitted = clients.jobs.submit(job)
            return c.Submitted(job=submitted.id, friendly_name=submitted.name)

        submitted = once(clients, f"{order.key}.asked", c.Submitted, submit)
        seen = clients.jobs.look(job.scoring, submitted.job)
        return f"batch job {seen.id} ({seen.status})" if job_state(seen.status) is JobState.ACTIVE else ""

    def undo(self, clients: Clients, order: c.MoveOrder, before: Mapping[str, Any]) -> str:
        del before  # The job's name, which the order gives again.
        job, staging = trial_job(clients, order), clients.configuration.hub.staging
        submitted = clients.jobs.find(job.scoring, job.name)
        if submitted is not None and job_state(submitted.status) is JobState.ACTIVE:
            clients.jobs.cancel(job.scoring.workspace, submitted.id)
            if job_state(clients.jobs.look(job.scoring, submitted.id).status) is JobState.ACTIVE:
                return f"batch job {submitted.id} to end"  # Until then it may still write.
        for folder in (job.input_path, job.output_path):
            for blob in list(clients.hub.list(staging, f"{folder}/")):
                clients.hub.delete(staging, blob.path)
        return ""

    def missing(self, clients: Clients, order: c.MoveOrder) -> str:
        """Nothing that it has made must last."""
        del clients, order
        return ""
