"""Every deterministic id of the product, in one place: the same cause always gets the same id.

Ids are short printable ASCII (Durable Task Scheduler takes at most 100 characters), safe in instance ids and names.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from shared.domain.inference.arrivals import Arrival

_UNSAFE = re.compile(r"[^a-z0-9]+")
_WAIT, _ADRIFT, _RESTORE = "-wait", "-adrift", "-restore"

_LONGEST_NAME, _LONGEST_SUFFIX = 200, 20  # Bytes; Azure ML's own computes put more before it.


# 16 hex digits are 64 bits: among a million ids of one kind, two are alike with a probability of 3 in 100 million.
def digest(*parts: str, length: int = 16) -> str:
    """A hex digest of *parts*; unambiguous, since each is length-prefixed."""
    text = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def pinned_name(number: int, name: str) -> str:
    """What the file number *number* of a run, called *name* where it arrived, is called in the run's folder.

    Azure takes names of 1,024 characters, a computer's disk 255 bytes: a longer one keeps its beginning, a digest of
    the whole and what follows the last dot. The run's manifest has both names.
    """
    full_name = f"{number:05d}-{name}"
    if len(full_name.encode()) <= _LONGEST_NAME:
        return full_name
    stem, dot, suffix = name.rpartition(".")
    ending = f"-{digest(name)}" + (f".{suffix}" if dot and len(suffix.encode()) <= _LONGEST_SUFFIX else "")
    start = f"{number:05d}-{stem or name}".encode()[: _LONGEST_NAME - len(ending.encode())]
    return start.decode(errors="ignore") + ending


def arrival_id(arrival: Arrival) -> str:
    return digest(arrival.account, arrival.container, arrival.path, arrival.etag, length=32)


def run_id(route: str, arrivals: Iterable[str], attempt: int = 1) -> str:
    """The id of attempt *attempt* at scoring *arrivals* (arrival ids, in any order) by *route*."""
    return f"{_readable(route)}-{digest(route, *sorted(arrivals))}-{attempt}"


def window_id(route: str, group: Mapping[str, str]) -> str:
    """The orchestration of the open window for *group* (shared captures) on *route*."""
    return f"window-{_readable(route)}-{digest(route, *(f'{k}={v}' for k, v in sorted(group.items())))}"


def message_digest(message: str) -> str:
    """The digest that replaces a message's id in paths; the same message sent again has the same digest."""
    return digest(message, length=32)


def held_name(sequence: int, message: str) -> str:
    """A message that waits, and the batch that it is the first of: in the order of the queue."""
    return f"{sequence:019d}-{message_digest(message)}"


def collector_id(stream: str, group: str) -> str:
    """The one orchestration that makes micro-batches of *group* of *stream*."""
    return f"stream-{_readable(stream)}-{digest(stream, group)}"


def landing_key(stream: str, group: str, batch: str) -> str:
    """The ledger key of making *batch* a file."""
    return f"streams/{stream}/landed/{group}/{batch}"


def next_attempt(run: str) -> str:
    """The run id of the attempt after *run*."""
    stem, _, attempt = run.rpartition("-")
    return f"{stem}-{int(attempt) + 1}"


def attempt_of(run: str) -> int:
    return int(run.rpartition("-")[2])


def import_id(route: str, source: str, target: str, sha256: str, attempt: int = 1) -> str:
    """The id of attempt *attempt* at landing *source* at *target*: the same for everybody who asks for it."""
    return f"import-{_readable(route)}-{digest(route, source, target, sha256)}-{attempt}"


def import_key(name: str, step: str) -> str:
    """The ledger key of one effect of an import."""
    return f"imports/{name}/effects/{step}"


def input_version(run: str) -> str:
    """The version of a data asset that the input of *run* is: of its arrivals and its attempt."""
    return "-".join(run.rsplit("-", 2)[1:])


def job_name(run: str) -> str:
    return f"signalbox-{run}"


def wait_id(run: str) -> str:
    """The sub-orchestration that waits for the job of *run*."""
    return f"{run}{_WAIT}"


def adrift_id(run: str) -> str:
    """The orchestration that cancels the job of *run* after the run was ended from outside."""
    return f"{run}{_ADRIFT}"


def announcement_id(run: str, outcome: str) -> str:
    return f"{run}-{outcome}"


def effect_key(run: str, step: str) -> str:
    """The ledger key of one external effect of a run."""
    return f"runs/{run}/effects/{step}"


def result_id(run: str, outcome: str, asker: str = "") -> str:
    """The id of the message that tells *asker* (a message's id) what became of *run*."""
    return f"{announcement_id(run, outcome)}-{digest(asker)}" if asker else announcement_id(run, outcome)


def answer_id(run: str, asker: str) -> str:
    """The orchestration that tells somebody who asked after *run* had ended."""
    return f"{run}-answer-{digest(asker)}"


def promotion_id(model: str, version: str, target: str, attempt: int = 1) -> str:
    """The id of attempt *attempt* at carrying `model:version` to stage *target*."""
    return f"promotion-{_readable(model)}-{digest(model, version, target)}-{attempt}"


def promotions_of(model: str) -> str:
    """How the ids of the promotions of *model* begin; those of a model with a similar name may begin so too."""
    return f"promotion-{_readable(model)}-"


def deployment_name(version: str, bundle: str) -> str:
    """The deployment of a bundle: 3 to 32 of letters, digits and dashes, and another one for another content."""
    return f"v{_readable(version)[:16]}-{bundle.removeprefix('sha256:')[:8]}"


def rollout_step_id(promotion: str, stage: str, step: int) -> str:
    """The orchestration that watches one step of the rollout of *promotion*."""
    return f"{promotion}-{digest(stage, length=8)}-step-{step}"


def rollback_id(model: str, stage: str, cause: str) -> str:
    """The orchestration that brings *model* back at *stage*, because of *cause*: an alert, or an order of its own."""
    return f"rollback-{_readable(model)}-{digest(model, stage, cause)}"


def rehearsal_id(model: str, stage: str, cause: str) -> str:
    """The orchestration that rehearses a rollback of *model* at *stage*, because of an order of its own."""
    return f"rehearsal-{_readable(model)}-{digest(model, stage, cause)}"


def promotion_set_id(promotions: Iterable[str]) -> str:
    """The orchestration that carries several promotions together."""
    return f"promotion-set-{digest(*promotions)}"


def recovery_id(model: str, version: str, environment: str) -> str:
    """What the orchestrations that bring a version back from the central registry begin with."""
    return f"recover-{_readable(model)}-{digest(model, version, environment)}"


def revocation_id(model: str, version: str) -> str:
    """The orchestration that revokes a version: there is one, since nothing is revoked twice."""
    return f"revocation-{_readable(model)}-{digest(model, version)}"


def restore_id(promotion: str) -> str:
    """The orchestration that undoes *promotion* after it was ended from outside."""
    return f"{promotion}{_RESTORE}"


def subject_of(instance: str) -> str:
    """The run or promotion that *instance* is about: itself, or what it waits for, cancels or restores."""
    for ending in (_WAIT, _ADRIFT, _RESTORE):
        instance = instance.removesuffix(ending)
    return instance


def promotion_key(promotion: str, step: str) -> str:
    """The ledger key of one effect of a promotion."""
    return f"promotions/{promotion}/effects/{step}"


def cause_id(model: str, kind: str, *facts: str) -> str:
    """The id of one cause to retrain *model*: the same fact, told twice, has the same *facts*."""
    return f"{kind}-{digest(model, kind, *facts)}"


def drift_check_id(run: str) -> str:
    """The orchestration that checks what *run* read and wrote for drift."""
    return f"{run}-drift"


def drift_look_id(model: str, version: str, window: int, look: int) -> str:
    """The orchestration that looks at a window by the clock."""
    return f"drift-{_readable(model)}-{digest(model, version, str(window), str(look))}"


def drift_window(model: str, version: str, window: int) -> str:
    """A window's own name: what was found in it is announced once under it."""
    return f"drift-{_readable(model)}-{digest(model, version)}-{window}"


def drift_key(model: str, version: str, window: int, step: str) -> str:
    """The ledger key of one effect of a window."""
    return f"drift/{model}/{version}/windows/{window:06d}/effects/{step}"


def retraining_id(model: str, causes: Iterable[str]) -> str:
    """The one run of training that claims *causes* (cause ids, in any order)."""
    return f"retrain-{_readable(model)}-{digest(model, *sorted(causes))}"


def retraining_key(run: str, step: str) -> str:
    """The ledger key of one effect of a run of training."""
    return f"retraining-runs/{run}/effects/{step}"


def training_watch_id(model: str) -> str:
    """The one look at what has come to train *model*."""
    return f"training-{_readable(model)}-{digest(model, length=8)}"


def considering_id(model: str) -> str:
    """The one orchestration that considers the causes to retrain *model*."""
    return f"consider-{_readable(model)}-{digest(model, length=8)}"


def firing_id(schedule: str, due: datetime) -> str:
    """The orchestration that fires *schedule* for *due* because somebody asked for it."""
    return f"schedule-{_readable(schedule)}-{digest(schedule, due.astimezone(UTC).isoformat())}"


def task_id(plan: str, job: str, task: str, call: str = "") -> str:
    """The orchestration that stands in for a task of an Azure DevOps plan: a repeated call meets the same one."""
    return f"devops-task-{digest(plan, job, task, *([call] if call else []), length=32)}"


def task_call(token: str, order: str) -> str:
    """What distinguishes calls for one task: a call with another token or *order* cannot replace the first."""
    return digest("call", token, order, length=32)


def task_key(task: str, step: str) -> str:
    """The ledger key of one effect on a task."""
    return f"devops/tasks/{task}/effects/{step}"


def mirror_id(promotion: str) -> str:
    """The orchestration that keeps approvals of *promotion* here and in Azure DevOps the same."""
    return f"{promotion}-mirror"


def told_key(promotion: str, approval: str) -> str:
    """The ledger key of telling Azure DevOps what became of *approval*."""
    return f"devops/told/{promotion}/{approval}"


def hint_id(kind: str, subject: str, delivery: str) -> str:
    """The orchestration that acts on one delivery of a service hook."""
    return f"devops-hint-{digest(kind, subject, delivery)}"


def merge_key(organisation: str, project: str, repository: str, number: int) -> str:
    """The ledger key of what one merged pull request starts."""
    return f"devops/merges/{digest(organisation, project, repository)}/{number}"


def pipeline_run_id(cause: str) -> str:
    """The orchestration that runs a pipeline of Azure DevOps for *cause*, and the run's correlation."""
    return f"devops-run-{digest(cause)}"


def dataset_snapshot(files: Iterable[tuple[str, str]]) -> str:
    """The name of what lies in a folder: the paths and eTags of its *files*, in any order."""
    return digest(*(part for file in sorted(files) for part in file), length=32)


def publication_id(dataset: str, version: str, snapshot: str, attempt: int = 1) -> str:
    """The orchestration of attempt *attempt* at making *version* of *dataset* from the files of *snapshot*."""
    return f"dataset-{_readable(dataset)}-{digest(dataset, version, snapshot)}-{attempt}"


def publication_key(publication: str, step: str) -> str:
    """The ledger key of one effect of a publication."""
    return f"dataset-publications/{publication}/effects/{step}"


def _readable(name: str) -> str:
    # Forty characters leave the longest id, a recovery's with its UUID, at 98 of the 100 that are allowed.
    return _UNSAFE.sub("-", name.lower()).strip("-")[:40]


def provisioning_key(order: str, effect: str) -> str:
    """The ledger's key of one effect of the order called *order*."""
    return f"provisioning/orders/{order}/effects/{effect}"


def drift_look_key(team: str, step: str, day: str) -> str:
    """The ledger's key of what the drift run of *day* has shown of a team's step."""
    return f"provisioning/drift/{team}/{step}/{day}"
