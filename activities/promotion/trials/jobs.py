"""The job of a trial: which rows it scores, where they lie, and how it is found again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from activities.online_rows import cell_value
from activities.promotion.holdout.rows import Table, open_table, vocabulary_of
from shared import contracts as c
from shared.clients import Clients
from shared.domain import identity
from shared.domain.data.data_contract import DataContract
from shared.domain.failures import Refused
from shared.domain.gates.batch import BatchRowsAnswered, options_of_trial
from shared.domain.inference.routes import Overrides, Scoring
from shared.domain.promotion.gate_specs import BATCH_GATE
from shared.ports import BatchJob
from shared.records import paths

_TEXTS = ("string", "date", "timestamp")
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRows:
    """The first rows of the hold-out: their *cells* by the columns of *table*."""

    table: Table
    cells: Sequence[Sequence[str]]

    def column(self, name: str) -> list[str]:
        place = self.table.header.index(name)
        return [cells[place] for cells in self.cells]


def trial_options(order: c.MoveOrder | c.StageOrder) -> BatchRowsAnswered:
    """How the stage's gate wants the batch deployment tried. Raises Refused where no exit gate asks for it."""
    options = options_of_trial(order.at.stage.exit_gates)
    if options is None:
        raise Refused(f"stage {order.stage} has no exit gate {BATCH_GATE} that can be read: nothing is tried there")
    return options


def trial_rows(clients: Clients, order: c.MoveOrder | c.StageOrder) -> TrialRows:
    """The rows that are scored, the same at every call. Raises Refused where the hold-out has none, or no key."""
    holdout = order.plan.promotable.holdout
    table = open_table(clients, holdout.path, vocabulary_of(holdout))
    table.require([holdout.key])
    cells = list(islice(table.rows(), trial_options(order).rows))
    if not cells:
        raise Refused(f"hold-out {holdout.path} has no rows; measure on rows with known answers")
    return TrialRows(table=table, cells=cells)


def trial_file(clients: Clients, order: c.MoveOrder | c.StageOrder, rows: TrialRows) -> tuple[str, bytes]:
    """The name and the content of a file as it arrives: what the contract has, and never the known answers."""
    promotable = order.plan.promotable
    contract, _ = clients.data_checks.contract(promotable.contract)
    names = [name for name in rows.table.header if _arrives(name, contract, promotable.holdout.target)]
    places = [(name, rows.table.header.index(name)) for name in names]
    records = [{name: _value(cells[place], name, contract) for name, place in places} for cells in rows.cells]
    return f"rows.{contract.format}", clients.data_checks.written(promotable.contract, records)


def trial_job(clients: Clients, order: c.MoveOrder | c.StageOrder) -> BatchJob:
    """No file may fail and nothing is tried again: what fails once is what the gate is to see."""
    plan, stage, promotion = order.plan, order.at.stage, order.promotion.id
    return BatchJob(
        name=identity.job_name(f"{promotion}-{stage.name}-trial"),
        scoring=Scoring(
            workspace=stage.workspace,
            endpoint=stage.serving.batch,
            model=plan.model.name,
            deployment=identity.deployment_name(plan.model.version, plan.digest),
            version=plan.model.version,
        ),
        datastore=clients.configuration.hub.datastore,
        input_path=paths.batch_trial(promotion, stage.name, "input"),
        output_path=paths.batch_trial(promotion, stage.name, "output"),
        overrides=Overrides(instance_count=1, mini_batch_size=1, error_threshold=0, retries=0),
    )


def _arrives(name: str, contract: DataContract, target: str) -> bool:
    return name in contract.names or (contract.extra_columns == "allow" and name != target)


def _value(cell: str, name: str, contract: DataContract) -> Any:
    """As the contract's format has it. CSV keeps a cell as it was written, and Parquet gives it its column's type."""
    kinds: Mapping[str, str] = {column.name: column.type for column in contract.columns}
    if cell in contract.csv.null_values:
        return None
    if contract.format == "csv" or kinds.get(name) in _TEXTS or (contract.format == "parquet" and name in kinds):
        return cell
    return _BOOLEANS.get(cell.strip().lower(), cell) if kinds.get(name) == "boolean" else cell_value(cell)
