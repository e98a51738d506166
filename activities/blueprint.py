"""Registers every activity under its contract."""

from collections.abc import Callable

from activities.announcements import announce_run
from activities.data import check_data
from activities.files import gather_files, publish_result, quarantine_files
from activities.jobs import cancel_job, look_at_job, reconcile_rows, submit_job
from activities.runs import close_run, look_at_orders, open_run, start_run
from activities.sweeps import sweep_arrivals, sweep_jobs
from activities.windows import claim_window, look_at_window
from shared import contracts as c
from shared.clients import Clients
from shared.durable import Blueprint, add_activity, add_starting_activity


def activity_blueprint(clients: Callable[[], Clients]) -> Blueprint:
    """All activities, each of which gets its clients from *clients* when it runs."""
    blueprint = Blueprint()
    add_activity(blueprint, c.OPEN_RUN, open_run, clients)
    add_activity(blueprint, c.GATHER_FILES, gather_files, clients)
    add_activity(blueprint, c.CHECK_DATA, check_data, clients)
    add_activity(blueprint, c.QUARANTINE_FILES, quarantine_files, clients)
    add_activity(blueprint, c.LOOK_AT_ORDERS, look_at_orders, clients)
    add_activity(blueprint, c.SUBMIT_JOB, submit_job, clients)
    add_activity(blueprint, c.LOOK_AT_JOB, look_at_job, clients)
    add_activity(blueprint, c.CANCEL_JOB, cancel_job, clients)
    add_activity(blueprint, c.RECONCILE_ROWS, reconcile_rows, clients)
    add_activity(blueprint, c.PUBLISH_RESULT, publish_result, clients)
    add_activity(blueprint, c.ANNOUNCE_RUN, announce_run, clients)
    add_activity(blueprint, c.CLOSE_RUN, close_run, clients)
    add_activity(blueprint, c.LOOK_AT_WINDOW, look_at_window, clients)
    add_activity(blueprint, c.CLAIM_WINDOW, claim_window, clients)
    add_starting_activity(blueprint, c.START_RUN, start_run, clients)
    add_starting_activity(blueprint, c.SWEEP_ARRIVALS, sweep_arrivals, clients)
    add_starting_activity(blueprint, c.SWEEP_JOBS, sweep_jobs, clients)
    return blueprint
