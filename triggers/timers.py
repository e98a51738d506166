"""The clock's door: what events did not bring is found by looking."""

import azure.functions as func

from shared.durable.registration import Blueprint
from shared.durable.starting import Client, start_once

blueprint = Blueprint()


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_SCRUB_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def scrub_central_registry(timer: func.TimerRequest, client: Client) -> None:
    """Every byte of the central registry is read again."""
    from shared import contracts as c  # Not before the first tick: cold start is a budget.

    del timer
    await start_once(client, c.SCRUB_REGISTRY, "scrub-registry", c.Sweep(key="scrub-registry"), again=True)


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_TICK_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def tick_schedules(timer: func.TimerRequest, client: Client) -> None:
    """All schedules of the configuration, by one timer; a tick that is still at work is joined."""
    from shared import contracts as c  # Not before the first tick: cold start is a budget.

    del timer  # What is due is worked out from the records, not from when the timer says it should have come.
    await start_once(client, c.KEEP_SCHEDULES, "keep-schedules", c.Sweep(key="keep-schedules"), again=True)


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_RECONCILE_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def reconcile_hub(timer: func.TimerRequest, client: Client) -> None:
    """One sweep of each kind at a time: one that is still under way is joined."""
    from shared import contracts as c  # Not before the first tick: cold start is a budget.

    del timer  # A late tick sweeps as well as a punctual one.
    for sweep in (c.RECONCILE, c.RECONCILE_PROMOTIONS, c.RECONCILE_DRIFT, c.RECONCILE_RETRAINING):
        name = sweep.name.replace("_", "-")
        await start_once(client, sweep, name, c.Sweep(key=name), again=True)
