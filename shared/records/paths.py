"""Where Signalbox keeps its own records: paths in the hub's state container, and folders in staging."""

from datetime import UTC, datetime

OPEN_RUNS = "runs-open/"
QUEUES = "lock-queues/"
SWEEPS = "sweeps/"
DRIFT = "drift/"
DRIFT_OPEN = "drift-open/"
CONFIGURATION_LOG = "configurations/seen.json"
RETRAINING_RUNS = "retraining-runs/"
STREAMS = "streams/"
VERSION_RECORD = "/version.json"


def run_record(run: str) -> str:
    return f"runs/{run}/run.json"


def members(run: str) -> str:
    return f"runs/{run}/members.json"


def data_report(run: str) -> str:
    """The whole report of the check of a run's data."""
    return f"runs/{run}/data.json"


def output_folder(run: str) -> str:
    """Where in staging the run's predictions are written."""
    return f"runs/{run}/output"


def unmatched_keys(run: str) -> str:
    """The keys by which a run's predictions and its rows do not agree."""
    return f"runs/{run}/unmatched.json"


def output_report(run: str) -> str:
    """The whole report of the check of a run's predictions."""
    return f"runs/{run}/output.json"


def claim(run: str) -> str:
    return f"runs/{run}/claim.json"


def order(run: str, kind: str) -> str:
    """*kind* is `cancel`, `release` or `release-output`."""
    return f"runs/{run}/orders/{kind}.json"


def effects(run: str) -> str:
    return f"runs/{run}/effects/"


def duplicates(run: str) -> str:
    return f"runs/{run}/duplicates.jsonl"


def askers(run: str) -> str:
    """The folder with everybody who asked for *run* by a message."""
    return f"runs/{run}/askers/"


def window(window_id: str) -> str:
    return f"windows/{window_id}.json"


def open_run(run: str) -> str:
    """The run's entry on the list of open runs, for a sweep: from before its start until its result is sent."""
    return f"{OPEN_RUNS}{run}.json"


def ignored_events(day: str = "") -> str:
    """The prefix of the logs of ignored events: of one *day*, or of all."""
    return f"ignored/{day}"


def ignored(day: str) -> str:
    return f"{ignored_events(day)}.jsonl"


def log_parts(path: str) -> str:
    """The prefix of the further parts of the log at *path*; a listing gives them after it and in their order."""
    return f"{path.removesuffix('.jsonl')}.part-"


def log_part(path: str, number: int) -> str:
    """The part *number* of the log at *path*, from 2 on: the first part is *path* itself."""
    return f"{log_parts(path)}{number:06d}.jsonl"


def part_number(part: str) -> int:
    """The number in a path that `log_part` gave."""
    return int(part.rpartition(".part-")[2].removesuffix(".jsonl"))


def pinned(run: str) -> str:
    """The folder in staging that holds the run's input."""
    return f"runs/{run}/input"


def registered_input(asset: str, version: str) -> str:
    """The folder in staging with the files of a version of *asset*: no run's folder, since those are emptied."""
    return f"arrivals/{asset}/{version}"


PROMOTIONS = "promotions/"
OPEN_PROMOTIONS = "promotions-open/"
OPEN_SETS = "promotion-sets-open/"


def open_promotion(promotion: str) -> str:
    """The promotion's entry on the list of open ones, for a sweep: there from before its opening to its close."""
    return f"{OPEN_PROMOTIONS}{promotion}.json"


def open_set(together: str) -> str:
    """The set's entry on the list of open ones: there from before its start until a sweep has seen that it ended."""
    return f"{OPEN_SETS}{together}.json"


def set_statement(together: str) -> str:
    """Where the deciding key says which promotions climb together."""
    return f"promotion-sets/{together}.dsse.json"


def promotion(promotion: str) -> str:
    """The record of a promotion: the request, and how it ended."""
    return f"{PROMOTIONS}{promotion}/promotion.json"


def stage_training(promotion: str, stage: str) -> str:
    """The folder in staging to which the training of *stage* writes."""
    return f"{PROMOTIONS}{promotion}/{stage}/output"


def batch_trial(promotion: str, stage: str, part: str) -> str:
    """The folder in staging with the `input` or the `output` of the batch deployment that *stage* tries."""
    return f"{PROMOTIONS}{promotion}/{stage}/trial/{part}"


def planned(promotion: str) -> str:
    """The plan that somebody looked at before they asked for the promotion."""
    return f"{PROMOTIONS}{promotion}/planned.json"


def evidence(promotion: str, stage: str, phase: str, name: str) -> str:
    return f"{PROMOTIONS}{promotion}/{stage}/{phase}/{name}"


def decisions(promotion: str, stage: str) -> str:
    """The folder of people's decisions on *stage*."""
    return f"{PROMOTIONS}{promotion}/{stage}/decisions/"


def delegations(promotion: str, stage: str) -> str:
    """The folder of who has left the question of a role on *stage* to whom."""
    return f"{PROMOTIONS}{promotion}/{stage}/delegations/"


def withdrawal(promotion: str, stage: str, decision: str) -> str:
    """Where a door says that a decision was taken back, which *decision* tells from all others."""
    return f"{PROMOTIONS}{promotion}/{stage}/withdrawals/{decision}.dsse.json"


def decision_use(promotion: str, name: str) -> str:
    """Where the deciding key says that a receipt rests on a decision; *name* is the decision's digest."""
    return f"{PROMOTIONS}{promotion}/effects/used/{name}.dsse.json"


def plans(promotion: str) -> str:
    """The folder of what the deciding key says of the plans of *promotion*."""
    return f"{PROMOTIONS}{promotion}/plans/"


def plan_statement(promotion: str, digest: str) -> str:
    """Where the deciding key says that *promotion* has the plan *digest*."""
    return f"{plans(promotion)}{digest.removeprefix('sha256:')}.dsse.json"


def provenance(promotion: str, stage: str) -> str:
    """Where the deciding key says of which origin the bundle is that *promotion* brings to *stage*."""
    return f"{PROMOTIONS}{promotion}/{stage}/provenance.dsse.json"


def model_signature(promotion: str, stage: str) -> str:
    """Where the deciding key has signed the bundle's files in the form of sigstore's model-signing."""
    return f"{PROMOTIONS}{promotion}/{stage}/model-signature.dsse.json"


def broken_glass(promotion: str, stage: str, phase: str) -> str:
    """Where the deciding key says that a receipt was issued over failing gates."""
    return f"{PROMOTIONS}{promotion}/{stage}/{phase}/break-glass.dsse.json"


def roll_back(promotion: str) -> str:
    """Where the deciding key says that what was moved was taken back."""
    return f"{PROMOTIONS}{promotion}/roll-back.dsse.json"


def revocations(keyid: str = "") -> str:
    """The folder of what the deciding key says of revoked keys: of one, or of all."""
    return f"revocations/{keyid}/" if keyid else "revocations/"


def revocation(keyid: str, number: int) -> str:
    return f"{revocations(keyid)}{number:03d}.dsse.json"


def entry_revocation(model: str, version: str) -> str:
    """Where the door key says who has revoked a version."""
    return f"registry-revocations/{model}/{version}.dsse.json"


def proof_pack(promotion: str, digest: str) -> str:
    """Where the deciding key says which files an archive has. It is no part of the promotion that it proves."""
    return f"proof-packs/{promotion}/{digest}.dsse.json"


LOG_FINDINGS = "trust/log-findings.json"


def log_findings(digest: str) -> str:
    """The folder of what the deciding key says of one finding of the audit log's verification."""
    return f"audit-findings/{digest}/"


def log_finding(folder: str, number: int) -> str:
    return f"{folder}{number:03d}.dsse.json"


def statement_of(path: str) -> str:
    """Where the statement lies that a record at *path* rests on."""
    return f"{path.removesuffix('.json')}.dsse.json"


def registry_statements(model: str, version: str) -> str:
    """The folder of what the deciding key says of an entry of the central registry."""
    return f"{registry_models()}{model}/{version}/"


def registry_models() -> str:
    """The folder of all entries of the central registry that were ever written."""
    return "registry/"


def forgery(digest: str) -> str:
    """Where a file is kept that was not believed."""
    return f"forgeries/{digest}"


def endpoint_lock(endpoint: str) -> str:
    return f"locks/{endpoint}.json"


def queue(endpoint: str) -> str:
    """The folder of the promotions that wait for the lock of *endpoint*."""
    return f"{QUEUES}{endpoint}/"


def queued(endpoint: str, promotion: str) -> str:
    return f"{queue(endpoint)}{promotion}.json"


def superseded(promotion: str) -> str:
    """The record of the later version's promotion that replaced this one while it waited."""
    return f"{PROMOTIONS}{promotion}/superseded.json"


def origins(digest: str) -> str:
    """The folder with everybody who asked for what made a bundle, by its digest: editing a tag hides nobody."""
    return f"origins/{digest.removeprefix('sha256:')}/"


def origin(digest: str, name: str) -> str:
    """Who asked for *name*, the run of training or the promotion that made the bundle."""
    return f"{origins(digest)}{name}.json"


def configuration(digest: str) -> str:
    """What a configuration that was in use said, without secrets."""
    return f"configurations/{digest.removeprefix('sha256:')}.json"


def failed_parts(sweep: str) -> str:
    """Which parts of a sweep failed when it last ran, and since when."""
    return f"{SWEEPS}{sweep}.json"


def swept(route: str) -> str:
    return f"swept/{route}.json"


def causes(model: str) -> str:
    """The folder of the causes to retrain *model*."""
    return f"retraining/{model}/causes/"


def cause(model: str, cause_id: str) -> str:
    return f"{causes(model)}{cause_id}.json"


def drift_folder(model: str, version: str) -> str:
    """The folder of the drift of `model:version`: its reference and its reports."""
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
    """Why the last check that failed could not be made."""
    return f"{drift_folder(model, version)}problem.json"


def drift_open(run: str) -> str:
    """The run's entry on the list of uncounted ones, which a sweep reads: there from its close until its rows count."""
    return f"{DRIFT_OPEN}{run}.json"


def retraining_book(model: str) -> str:
    """The book of *model*'s retraining: the run in flight, and the runs before it."""
    return f"retraining/{model}/book.json"


def considering(model: str) -> str:
    """The pause mark: there while the consideration of *model*'s causes pauses, and will list them again."""
    return f"retraining/{model}/considering"


def counted_rows(model: str) -> str:
    """How many rows the waiting training files of *model* have: a cache."""
    return f"retraining/{model}/rows.json"


def verdicts(model: str) -> str:
    """The folder of the decisions on the causes to retrain *model*."""
    return f"retraining/{model}/verdicts/"


def retraining(run: str) -> str:
    """The record of a run of training: its causes, and how it ended."""
    return f"{RETRAINING_RUNS}{run}/run.json"


def retraining_part(run: str, name: str) -> str:
    """One more record of a run of training: `claim.json`, `data.json` or `evaluation.json`."""
    return f"{RETRAINING_RUNS}{run}/{name}"


def cancelling(run: str) -> str:
    """The order to cancel a run of training: by whom, and why."""
    return retraining_part(run, "cancel.json")


def training_folder(run: str) -> str:
    """The folder in staging of a run of training, for its input and its output."""
    return f"retraining/{run}"


def training_set(model: str, route: str, version: str) -> str:
    """The folder in staging of one version of the training set that *route* collects for *model*."""
    return f"training-sets/{model}/{route}/{version}"


SCHEDULE_CLOCK = "schedules/clock.json"  # Until when every schedule has been seen to.
SCHEDULES_KNOWN = "schedules/known.json"  # Since when each schedule is what it is.
SCHEDULE_ORDERS = "schedules/orders.json"  # Which schedules are paused, and since when others go on.


def fired(schedule: str, day: str) -> str:
    """The folder with what *schedule* did at the due times of *day* (UTC)."""
    return f"schedules/fired/{schedule}/{day}/"


def firing(schedule: str, due: datetime) -> str:
    """The ledger key of what *schedule* did at the due time *due*."""
    utc = due.astimezone(UTC)
    return f"{fired(schedule, utc.date().isoformat())}{utc:%Y%m%dT%H%M%S%f}"


def schedule_log(day: str) -> str:
    """The due times that did not fire, and why; the orders that people gave."""
    return f"schedules/log/{day}.jsonl"


def held_records(stream: str, group: str = "") -> str:
    """The folder of the messages of *stream* that wait for a batch; with *group*, only that group's."""
    return f"{STREAMS}{stream}/waiting/{group}/" if group else f"{STREAMS}{stream}/waiting/"


def used_message(stream: str, message: str) -> str:
    """Which batch has the message with the digest *message*: written once, kept for good."""
    return f"{STREAMS}{stream}/used/{message}.json"


def micro_batch(stream: str, group: str, batch: str) -> str:
    """Which messages *batch* has claimed."""
    return f"{STREAMS}{stream}/batches/{group}/{batch}.json"


def idempotent(digest: str) -> str:
    """The record of what a caller's Idempotency-Key has started, or of its answer."""
    return f"idempotency/{digest}.json"


def file_check(check: str) -> str:
    """The report of a data check that somebody asked for."""
    return f"checks/{check}/report.json"


def holdout_looks(model: str, digest: str) -> str:
    """The folder of the challengers of *model* that were compared on the hold-out with the content *digest*."""
    return f"holdouts/{model}/{digest.removeprefix('sha256:')}/looks/"


def holdout_versions(model: str) -> str:
    """The folder of the versions of *model*'s hold-out that challengers were compared on."""
    return f"holdouts/{model}/"


def holdout_version(model: str, digest: str) -> str:
    """With which version the looks at this one are counted, and a sketch of its keys."""
    return f"{holdout_versions(model)}{digest.removeprefix('sha256:')}{VERSION_RECORD}"


def holdout_look(model: str, digest: str, number: int) -> str:
    return f"{holdout_looks(model, digest)}{number:06d}.json"
