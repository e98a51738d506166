"""The timers: what events did not bring is found by looking. A sweep that is still at work is joined."""

import azure.functions as func

from shared.durable.registration import Blueprint
from shared.durable.starting import Client

blueprint = Blueprint()

# What a timer starts is imported at its first tick: cold start is a budget.


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_SCRUB_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def scrub_central_registry(timer: func.TimerRequest, client: Client) -> None:
    """Every byte of the registry is read again, the older part of the audit log in turns, and what was provisioned."""
    from shared import contracts as c
    from shared.application.starts import start_sweep

    del timer
    for sweep in (c.SCRUB_REGISTRY, c.REREAD_LOG, c.RECONCILE_PROVISIONING):
        await start_sweep(client, sweep)


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_TICK_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def tick_schedules(timer: func.TimerRequest, client: Client) -> None:
    """All schedules of the configuration, by one timer."""
    from shared.application.starts import start_sweep
    from shared.contracts import KEEP_SCHEDULES

    del timer  # What is due is worked out from the records, not from when the timer says it should have come.
    await start_sweep(client, KEEP_SCHEDULES)


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_RECONCILE_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def reconcile_hub(timer: func.TimerRequest, client: Client) -> None:
    """Arrivals, runs, promotions, production, answers, drift, retraining, data sets, log, notices: a sweep of each."""
    from shared import contracts as c
    from shared.application.starts import start_sweep

    del timer  # A late tick sweeps as well as a punctual one.
    promotion_sweeps = (c.RECONCILE_PROMOTIONS, c.RECONCILE_PRODUCTION, c.RECONCILE_ANSWERS)
    training_sweeps = (c.RECONCILE_DRIFT, c.RECONCILE_RETRAINING, c.RECONCILE_DATASETS)
    for sweep in (c.RECONCILE, *promotion_sweeps, *training_sweeps, c.VERIFY_LOG, c.DELIVER_NOTICES):
        await start_sweep(client, sweep)
