"""Data contracts over HTTP: which there are, where each is used, and one with its rules and its profile."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.clients import Clients
from shared.domain.configuration import Configuration
from shared.domain.data.data_contract import DataContract
from shared.domain.data.reference_profile import ColumnProfile, ReferenceProfile
from shared.domain.failures import Refused
from shared.validation.rules import Name
from triggers.http.api_route import ApiRequest
from triggers.http.exchange.problems import Problem, outside_scope

_BARS, _CATEGORIES = 32, 20  # Of a column's profile, in an answer.
_FEWEST = 5  # Rows: a category of fewer may tell of somebody, and is counted among the others.


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractUse:
    """*what* the contract is for, and the name of the route, model, data set or endpoint."""

    what: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractRow:
    """*path* lies beside the configuration; *problem* says why it cannot be read, empty where it can."""

    path: str
    used: tuple[ContractUse, ...]
    owner: str = ""
    format: str = ""
    columns: int = 0
    rules: int = 0
    profiled: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractList:
    """By path."""

    contracts: tuple[ContractRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractNamed:
    path: Name


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnShown:
    """*min* and *max* are inclusive; *allowed* are all values that it may have, any where it is empty."""

    name: str
    type: str
    nullable: bool
    min: str = ""
    max: str = ""
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    field: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileBar:
    """*rows* of the reference from *low* to *high*; of a category, which *name* is."""

    rows: int
    low: float | None = None
    high: float | None = None
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnProfiled:
    """*others* are in categories that are too small or too many to be named."""

    column: str
    kind: str
    bars: tuple[ProfileBar, ...]
    others: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectRule:
    """A function of the project that is asked about *columns* of each row, all of them where it is empty."""

    function: str
    columns: tuple[str, ...]
    options: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonRule:
    """How an arrival's columns are compared with the *reference*; all that it has where *columns* is empty."""

    reference: str
    alpha: float
    effect: float
    minimum_sample: int
    columns: tuple[str, ...]
    psi_limit: float | None
    inconclusive: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractShown:
    """What every file must look like; *rows* counts those that the *profile* was made from."""

    path: str
    owner: str
    format: str
    header: bool
    delimiter: str
    encoding: str
    keys: tuple[str, ...]
    extra_columns: str
    min_rows: int
    tolerance: float
    columns: tuple[ColumnShown, ...]
    rules: tuple[ProjectRule, ...]
    used: tuple[ContractUse, ...]
    comparison: ComparisonRule | None = None
    rows: int = 0
    profile: tuple[ColumnProfiled, ...] = ()


def list_data_contracts(request: ApiRequest) -> ContractList:
    """The data contracts that the configuration names, and what each is used for"""
    clients = request.clients
    uses = uses_of(clients.configuration)
    return ContractList(contracts=tuple(_row(clients, path, uses[path]) for path in sorted(uses)))


def show_data_contract(request: ApiRequest, query: ContractNamed) -> ContractShown:
    """One data contract: its rules, and how the columns of its reference are distributed"""
    used = uses_of(request.clients.configuration).get(query.path, ())
    if not used and not request.scope.whole:
        raise outside_scope()
    if not used:
        raise Problem(404, "no such contract", f"nothing uses a data contract {query.path!r}; list those there are")
    contract, reference = request.clients.data_checks.contract(query.path)
    return _shown(query.path, contract, reference, used)


def uses_of(configuration: Configuration) -> dict[str, tuple[ContractUse, ...]]:
    """What each contract is used for, by its path."""
    found = dict[str, list[ContractUse]]()
    for path, what, name in _uses(configuration):
        use = ContractUse(what=what, name=name)
        if path and use not in found.setdefault(path, []):
            found[path].append(use)
    return {path: tuple(uses) for path, uses in found.items()}


def _uses(configuration: Configuration) -> Iterator[tuple[str, str, str]]:
    for route in configuration.routes:
        yield route.contract, "arrivals of route", route.name
        yield from ((own.contract, f"version {own.version} on route", route.name) for own in route.contracts)
        yield route.output_contract, "predictions of route", route.name
    for rule in configuration.answers:
        yield rule.contract, "requests of endpoint", rule.name
        yield from ((own.contract, f"version {own.version} at endpoint", rule.name) for own in rule.contracts)
        yield rule.output_contract, "answers of endpoint", rule.name
    for model in configuration.ladder.models:
        yield model.contract, "hold-out of model", model.name
    for rules in configuration.retraining:
        yield from ((data.contract, f"training data {data.name} of model", rules.model) for data in rules.data)
    for dataset in configuration.datasets:
        yield dataset.contract, "data set", dataset.name


def _row(clients: Clients, path: str, used: tuple[ContractUse, ...]) -> ContractRow:
    try:
        contract, reference = clients.data_checks.contract(path)
    except Refused as refusal:
        return ContractRow(path=path, used=used, problem=str(refusal))
    return ContractRow(
        path=path,
        used=used,
        owner=contract.owner,
        format=contract.format,
        columns=len(contract.columns),
        rules=len(contract.rules),
        profiled=len(reference.columns) if reference else 0,
    )


def _shown(
    path: str, contract: DataContract, reference: ReferenceProfile | None, used: tuple[ContractUse, ...]
) -> ContractShown:
    columns = (
        ColumnShown(
            name=column.name,
            type=str(column.type),
            nullable=column.nullable,
            min="" if column.min is None else str(column.min),
            max="" if column.max is None else str(column.max),
            allowed=tuple(map(str, column.allowed)),
            pattern=column.pattern,
            field=column.field,
        )
        for column in contract.columns
    )
    rules = (
        ProjectRule(function=rule.function.name, columns=rule.columns, options=dict(rule.options))
        for rule in contract.rules
    )
    return ContractShown(
        path=path,
        owner=contract.owner,
        format=contract.format,
        header=contract.csv.header,
        delimiter=contract.csv.delimiter,
        encoding=contract.csv.encoding,
        keys=contract.keys,
        extra_columns=contract.extra_columns,
        min_rows=contract.min_rows,
        tolerance=contract.tolerance,
        columns=tuple(columns),
        rules=tuple(rules),
        used=used,
        comparison=_comparison(contract),
        rows=reference.rows if reference else 0,
        profile=tuple(profiled_column(*item) for item in reference.columns.items()) if reference else (),
    )


def _comparison(contract: DataContract) -> ComparisonRule | None:
    rule = contract.distribution
    if rule is None:
        return None
    return ComparisonRule(
        reference=rule.reference,
        alpha=rule.alpha,
        effect=rule.effect,
        minimum_sample=rule.minimum_sample,
        columns=rule.columns,
        psi_limit=rule.psi_limit,
        inconclusive=rule.inconclusive,
    )


def profiled_column(name: str, column: ColumnProfile) -> ColumnProfiled:
    if column.kind == "numeric":
        return ColumnProfiled(column=name, kind=column.kind, bars=_numeric_bars(column))
    ordered = sorted(column.counts.items(), key=lambda item: (-item[1], item[0]))
    told = [item for item in ordered if item[1] >= _FEWEST][:_CATEGORIES]
    bars = tuple(ProfileBar(rows=rows, name=value) for value, rows in told)
    return ColumnProfiled(column=name, kind=column.kind, bars=bars, others=column.total - sum(bar.rows for bar in bars))


def _numeric_bars(column: ColumnProfile) -> tuple[ProfileBar, ...]:
    """As many bars of one width; a cell of the profile counts where its upper end is."""
    if not column.breakpoints:
        return ()
    low, high = column.breakpoints[0], column.breakpoints[-1]
    width = (high - low) / _BARS or 1.0
    rows = [0] * _BARS
    for edge, count in zip((*column.breakpoints, high), column.cells, strict=True):
        rows[min(_BARS - 1, max(0, int((edge - low) / width - 1e-9)))] += count
    return tuple(
        ProfileBar(rows=count, low=low + number * width, high=low + (number + 1) * width)
        for number, count in enumerate(rows)
    )
