"""Registers every orchestration under its contract."""

from orchestrators.inference import run_inference
from orchestrators.job import cancel_adrift, wait_for_job
from orchestrators.promotion import promote, restore
from orchestrators.sweeps import reconcile, reconcile_promotions
from orchestrators.window import collect_window
from shared import contracts as c
from shared.durable import Blueprint, add_orchestration

blueprint = Blueprint()

add_orchestration(blueprint, c.RUN_INFERENCE, run_inference)
add_orchestration(blueprint, c.WAIT_FOR_JOB, wait_for_job)
add_orchestration(blueprint, c.COLLECT_WINDOW, collect_window)
add_orchestration(blueprint, c.CANCEL_ADRIFT, cancel_adrift)
add_orchestration(blueprint, c.RECONCILE, reconcile)
add_orchestration(blueprint, c.PROMOTE, promote)
add_orchestration(blueprint, c.RESTORE, restore)
add_orchestration(blueprint, c.RECONCILE_PROMOTIONS, reconcile_promotions)
