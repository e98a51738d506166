"""The clock's door: what events did not bring is found by looking."""

import azure.functions as func

from shared import contracts as c
from shared.durable import Blueprint, Client, start_once

blueprint = Blueprint()
_SWEEP, _PROMOTIONS = "reconcile", "reconcile-promotions"  # One of each at a time: one that is under way is joined.


@blueprint.timer_trigger(arg_name="timer", schedule="%SIGNALBOX_RECONCILE_SCHEDULE%")
@blueprint.durable_client_input(client_name="client")
async def reconcile_hub(timer: func.TimerRequest, client: Client) -> None:
    del timer  # A late tick sweeps as well as a punctual one.
    await start_once(client, c.RECONCILE, _SWEEP, c.Sweep(key=_SWEEP), again=True)
    await start_once(client, c.RECONCILE_PROMOTIONS, _PROMOTIONS, c.Sweep(key=_PROMOTIONS), again=True)
