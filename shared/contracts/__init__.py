"""Every name, input and output that crosses the Durable boundary.

Orchestrators and activities never import each other; they meet here.
"""

from shared.contracts.answers import *  # noqa: F403
from shared.contracts.backlog import *  # noqa: F403
from shared.contracts.checks import *  # noqa: F403
from shared.contracts.datasets import *  # noqa: F403
from shared.contracts.devops import *  # noqa: F403
from shared.contracts.drift import *  # noqa: F403
from shared.contracts.imports import *  # noqa: F403
from shared.contracts.kinds import *  # noqa: F403 - This package is one vocabulary in several files.
from shared.contracts.kinds import Activity, Effect, ExternalEvent, Orchestration
from shared.contracts.payloads import *  # noqa: F403
from shared.contracts.payloads import (
    Announcement,
    Cancellation,
    DataCheck,
    DataVerdict,
    Done,
    Gathered,
    Gathering,
    Inference,
    InferenceResult,
    InputRegistration,
    JobEnd,
    JobLook,
    JobSeen,
    JobWait,
    OrphanedRun,
    OutputCheck,
    OutputHeld,
    OutputHold,
    Published,
    Publishing,
    Quarantined,
    Quarantining,
    Reconciled,
    Reconciling,
    RegisteredInput,
    RunAdmission,
    RunAdmitted,
    RunClosing,
    RunLook,
    RunOpened,
    RunOpening,
    RunOrders,
    RunStart,
    Submission,
    Submitted,
    Sweep,
    Swept,
    Telling,
    WindowClaim,
    WindowClaimed,
    WindowWatch,
)
from shared.contracts.production.rollback import *  # noqa: F403
from shared.contracts.production.rollout import *  # noqa: F403
from shared.contracts.promotion import *  # noqa: F403
from shared.contracts.provisioning import *  # noqa: F403
from shared.contracts.retraining import *  # noqa: F403
from shared.contracts.schedules import *  # noqa: F403
from shared.contracts.streams import *  # noqa: F403
from shared.contracts.trust import *  # noqa: F403
from shared.domain.inference.windows import WindowVerdict

OPEN_RUN = Activity("open_run", RunOpening, RunOpened, Effect.WRITES)
ADMIT_RUN = Activity("admit_run", RunAdmission, RunAdmitted, Effect.WRITES)
GATHER_FILES = Activity("gather_files", Gathering, Gathered, Effect.WRITES)
CHECK_DATA = Activity("check_data", DataCheck, DataVerdict, Effect.READS)
QUARANTINE_FILES = Activity("quarantine_files", Quarantining, Quarantined, Effect.WRITES)
SUBMIT_JOB = Activity("submit_job", Submission, Submitted, Effect.WRITES)
REGISTER_INPUT = Activity("register_input", InputRegistration, RegisteredInput, Effect.WRITES)
LOOK_AT_JOB = Activity("look_at_job", JobLook, JobSeen, Effect.READS)
CANCEL_JOB = Activity("cancel_job", Cancellation, Done, Effect.WRITES)
RECONCILE_ROWS = Activity("reconcile_rows", Reconciling, Reconciled, Effect.READS)
CHECK_OUTPUT = Activity("check_output", OutputCheck, DataVerdict, Effect.READS)
HOLD_OUTPUT = Activity("hold_output", OutputHold, OutputHeld, Effect.WRITES)
PUBLISH_RESULT = Activity("publish_result", Publishing, Published, Effect.WRITES)
ANNOUNCE_RUN = Activity("announce_run", Announcement, Done, Effect.WRITES)
TELL_RESULT = Activity("tell_result", Telling, Done, Effect.WRITES)
CLOSE_RUN = Activity("close_run", RunClosing, Done, Effect.WRITES)
LOOK_AT_ORDERS = Activity("look_at_orders", RunLook, RunOrders, Effect.READS)
LOOK_AT_WINDOW = Activity("look_at_window", WindowWatch, WindowVerdict, Effect.READS)
CLAIM_WINDOW = Activity("claim_window", WindowClaim, WindowClaimed, Effect.WRITES)
START_RUN = Activity("start_run", RunStart, Done, Effect.WRITES)
SWEEP_ARRIVALS = Activity("sweep_arrivals", Sweep, Swept, Effect.WRITES)
SWEEP_RUNS = Activity("sweep_runs", Sweep, Swept, Effect.WRITES)
SEND_NOTICES = Activity("send_notices", Sweep, Swept, Effect.WRITES)

ACTIVITIES: tuple[Activity[object, object], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Activity)
)

RUN_INFERENCE = Orchestration("run_inference", Inference, InferenceResult)
WAIT_FOR_JOB = Orchestration("wait_for_job", JobWait, JobEnd)
COLLECT_WINDOW = Orchestration("collect_window", WindowWatch, Done)
ANSWER_LATE = Orchestration("answer_late", Telling, Done)
RECONCILE = Orchestration("reconcile", Sweep, Swept)
DELIVER_NOTICES = Orchestration("deliver_notices", Sweep, Swept)
CONCLUDE_ADRIFT = Orchestration("conclude_adrift", OrphanedRun, Done)

ORDER_GIVEN = ExternalEvent("order_given")
