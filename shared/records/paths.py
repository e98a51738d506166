"""Where Signalbox keeps its own records: paths in the hub's state container, and folders in staging."""

from datetime import UTC, datetime

STEPS = (  # The effects of a run in the order in which they can happen.
    "gathered",
    "quarantined",
    "announced-quarantined",
    "submitted",
    "cancelled",
    "cancelled-adrift",
    "published",
)


def step_order(step: str) -> int:
    """Where *step* stands in a run; what concludes it (announced, closed) comes last."""
    return STEPS.index(step) if step in STEPS else len(STEPS)


def run_record(run: str) -> str:
    return f"runs/{run}/run.json"


def members(run: str) -> str:
    return f"runs/{run}/members.json"


def data_report(run: str) -> str:
    """The whole report of the check of a run's data."""
    return f"runs/{run}/data.json"


def claim(run: str) -> str:
    return f"runs/{run}/claim.json"


def order(run: str, kind: str) -> str:
    """*kind* is `cancel` or `release`."""
    return f"runs/{run}/orders/{kind}.json"


def effects(run: str) -> str:
    return f"runs/{run}/effects/"


def duplicates(run: str) -> str:
    return f"runs/{run}/duplicates.jsonl"


def askers(run: str) -> str:
    """The folder of those who asked for *run* by a message."""
    return f"runs/{run}/askers/"


def window(window_id: str) -> str:
    return f"windows/{window_id}.json"


OPEN_RUNS = "runs-open/"


def open_run(run: str) -> str:
    """Written before a run is started, removed once the last word on it is said: what a sweep looks at."""
    return f"{OPEN_RUNS}{run}.json"


def ignored(day: str) -> str:
    return f"ignored/{day}.jsonl"


def log_parts(path: str) -> str:
    """What the further parts of the log at *path* begin with; listed, they come behind it and in their order."""
    return f"{path.removesuffix('.jsonl')}.part-"


def log_part(path: str, number: int) -> str:
    """The first part is *path* itself, the others count from 2."""
    return f"{log_parts(path)}{number:06d}.jsonl"


def part_number(part: str) -> int:
    """Of a path that `log_part` made."""
    return int(part.rpartition(".part-")[2].removesuffix(".jsonl"))


def pinned(run: str) -> str:
    """The folder in staging that holds the run's input."""
    return f"runs/{run}/input"


PROMOTIONS = "promotions/"
OPEN_PROMOTIONS = "promotions-open/"
OPEN_SETS = "promotion-sets-open/"


def open_promotion(promotion: str) -> str:
    """Written before a promotion is opened, removed once it is closed: what a sweep looks at."""
    return f"{OPEN_PROMOTIONS}{promotion}.json"


def open_set(together: str) -> str:
    """Written before a set of promotions is started, removed once a sweep has seen it ended."""
    return f"{OPEN_SETS}{together}.json"


def promotion(promotion: str) -> str:
    """What was asked for, the plan, and how it ended."""
    return f"{PROMOTIONS}{promotion}/promotion.json"


def stage_training(promotion: str, stage: str) -> str:
    """In staging: what the training of *stage* writes."""
    return f"{PROMOTIONS}{promotion}/{stage}/output"


def planned(promotion: str) -> str:
    """The plan that somebody approved before it was asked for."""
    return f"{PROMOTIONS}{promotion}/planned.json"


def evidence(promotion: str, stage: str, phase: str, name: str) -> str:
    return f"{PROMOTIONS}{promotion}/{stage}/{phase}/{name}"


def decisions(promotion: str, stage: str) -> str:
    """The folder of people's decisions on *stage*."""
    return f"{PROMOTIONS}{promotion}/{stage}/decisions/"


def endpoint_lock(endpoint: str) -> str:
    return f"locks/{endpoint}.json"


QUEUES = "lock-queues/"


def queue(endpoint: str) -> str:
    """The folder of the promotions that wait for the lock of *endpoint*."""
    return f"{QUEUES}{endpoint}/"


def queued(endpoint: str, promotion: str) -> str:
    return f"{queue(endpoint)}{promotion}.json"


def superseded(promotion: str) -> str:
    """By which later version's promotion one that waited for people was replaced."""
    return f"{PROMOTIONS}{promotion}/superseded.json"


def origins(digest: str) -> str:
    """The folder of who asked for what made a bundle, by its digest: no tag can be edited to forget them."""
    return f"origins/{digest.removeprefix('sha256:')}/"


def origin(digest: str, name: str) -> str:
    """*name*: the run of training or the promotion that made it."""
    return f"{origins(digest)}{name}.json"


SWEEPS = "sweeps/"


def failed_parts(sweep: str) -> str:
    """What of a sweep failed when it last ran, and since when."""
    return f"{SWEEPS}{sweep}.json"


def swept(route: str) -> str:
    return f"swept/{route}.json"


def causes(model: str) -> str:
    """The folder of the causes to retrain *model*."""
    return f"retraining/{model}/causes/"


def cause(model: str, cause_id: str) -> str:
    return f"{causes(model)}{cause_id}.json"


DRIFT = "drift/"


def drift_folder(model: str, version: str) -> str:
    """The folder of all that is known of the drift of `model:version`."""
    return f"{DRIFT}{model}/{version}/"


def drift_windows(model: str) -> str:
    """The folder with one file for each version of *model*."""
    return f"drift-windows/{model}/"


def drift_window(model: str, version: str) -> str:
    """The open window, or the last one, and what was counted in it."""
    return f"{drift_windows(model)}{version}.json"


def drift_reference(model: str, version: str) -> str:
    return f"{drift_folder(model, version)}reference.json"


def drift_report(model: str, version: str, window: int, look: int, kind: str) -> str:
    """*kind* is `json` or `html`."""
    return f"{drift_folder(model, version)}windows/{window:06d}/look-{look}.{kind}"


def drift_problem(model: str, version: str) -> str:
    """Why a check could not be made, the last one."""
    return f"{drift_folder(model, version)}problem.json"


DRIFT_OPEN = "drift-open/"


def drift_open(run: str) -> str:
    """Written when a run closes, removed once its rows are counted: what a sweep looks at."""
    return f"{DRIFT_OPEN}{run}.json"


def retraining_book(model: str) -> str:
    """Which run of *model* is in flight, and which there were."""
    return f"retraining/{model}/book.json"


def considering(model: str) -> str:
    """There while the consideration of the causes to retrain *model* pauses, and will look at them again."""
    return f"retraining/{model}/considering"


def counted_rows(model: str) -> str:
    """How many rows the waiting training files of *model* have: a cache."""
    return f"retraining/{model}/rows.json"


def verdicts(model: str) -> str:
    """The folder of what was decided on the causes to retrain *model*."""
    return f"retraining/{model}/verdicts/"


RETRAINING_RUNS = "retraining-runs/"


def retraining(run: str) -> str:
    """What a run of training was started for, and how it ended."""
    return f"{RETRAINING_RUNS}{run}/run.json"


def retraining_part(run: str, name: str) -> str:
    """One more record of a run of training: `claim.json`, `data.json` or `evaluation.json`."""
    return f"{RETRAINING_RUNS}{run}/{name}"


def cancelling(run: str) -> str:
    """The order to cancel a run of training: by whom, and why."""
    return retraining_part(run, "cancel.json")


def training_folder(run: str) -> str:
    """The folder in staging for what a run of training is given and what it writes."""
    return f"retraining/{run}"


def training_set(model: str, route: str, version: str) -> str:
    """The folder in staging of one version of the training set that *route* collects for *model*."""
    return f"training-sets/{model}/{route}/{version}"


SCHEDULE_CLOCK = "schedules/clock.json"  # Until when every schedule has been seen to.
SCHEDULES_KNOWN = "schedules/known.json"  # Since when each schedule is what it is.
SCHEDULE_ORDERS = "schedules/orders.json"  # Which schedules are paused, and since when others go on.


def fired(schedule: str, day: str) -> str:
    """The folder of what *schedule* did about the due times of *day* (UTC)."""
    return f"schedules/fired/{schedule}/{day}/"


def firing(schedule: str, due: datetime) -> str:
    """The ledger key of what *schedule* did about the due time *due*."""
    utc = due.astimezone(UTC)
    return f"{fired(schedule, utc.date().isoformat())}{utc:%Y%m%dT%H%M%S%f}"


def schedule_log(day: str) -> str:
    """The due times that did not fire, and why; the orders that people gave."""
    return f"schedules/log/{day}.jsonl"


def told(task: str) -> str:
    """What a waiting task of Azure DevOps has been told."""
    return f"devops/tasks/{task}/told.json"


def task_claim(task: str) -> str:
    """Which call has a waiting task of Azure DevOps: the first that was confirmed."""
    return f"devops/claims/{task}/call.json"


def task_refused(task: str, call: str) -> str:
    """A confirmed call that asked for something else."""
    return f"devops/claims/{task}/refused-{call}.json"


def devops_runs(organisation: str, run: int) -> str:
    """The folder of what waits here for a run of a pipeline; its number is the organisation's."""
    return f"devops/runs/{organisation}/{run}/"


def devops_run(organisation: str, run: int, started: str) -> str:
    return f"{devops_runs(organisation, run)}{started}.json"


def devops_links(started: str) -> str:
    """The folder of the tasks that wait for *started*: approvals count beside them."""
    return f"devops/links/{started}/"


def devops_link(started: str, run: int, task: str) -> str:
    return f"{devops_links(started)}{run}-{task}.json"


DEVOPS_OPEN = "devops/open/"


def devops_open(instance: str) -> str:
    """What stands in for Azure DevOps, and must run until it is done."""
    return f"{DEVOPS_OPEN}{instance}.json"


def devops_taken(promotion: str, approval: str, person: str) -> str:
    """Which stage of the ladder a decision of Azure DevOps counts for."""
    return f"devops/taken/{promotion}/{approval}/{person}.json"


STREAMS = "streams/"


def held_records(stream: str, group: str = "") -> str:
    """The folder of the messages of *stream* that wait to be in a batch; those of *group*, if it is given."""
    return f"{STREAMS}{stream}/waiting/{group}/" if group else f"{STREAMS}{stream}/waiting/"


def used_message(stream: str, message: str) -> str:
    """Which batch has the message with the digest *message*: written once, kept for good."""
    return f"{STREAMS}{stream}/used/{message}.json"


def micro_batch(stream: str, group: str, batch: str) -> str:
    """Which messages *batch* has claimed."""
    return f"{STREAMS}{stream}/batches/{group}/{batch}.json"


def idempotent(digest: str) -> str:
    """What a caller's Idempotency-Key has started."""
    return f"idempotency/{digest}.json"


def file_check(check: str) -> str:
    """The whole report of a data check that somebody asked for."""
    return f"checks/{check}/report.json"


def holdout_looks(model: str, digest: str) -> str:
    """The folder of the challengers of *model* that were compared on the hold-out with the content *digest*."""
    return f"holdouts/{model}/{digest.removeprefix('sha256:')}/looks/"


VERSION_RECORD = "/version.json"


def holdout_versions(model: str) -> str:
    """The folder of the versions of *model*'s hold-out that challengers were compared on."""
    return f"holdouts/{model}/"


def holdout_version(model: str, digest: str) -> str:
    """With which version the looks at this one are counted, and a sketch of its keys."""
    return f"{holdout_versions(model)}{digest.removeprefix('sha256:')}{VERSION_RECORD}"


def holdout_look(model: str, digest: str, number: int) -> str:
    return f"{holdout_looks(model, digest)}{number:06d}.json"
