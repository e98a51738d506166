"""`signalbox profile`: the reference that a data contract compares arrivals with, made from rows that are right."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from signalbox.cli.errors import NO, Unusable, first_line
from signalbox.cli.output import emit_json
from signalbox.cli.progress import waiting

if TYPE_CHECKING:
    from shared.domain.data_contract import DataContract
    from shared.domain.reference_profile import ReferenceProfile

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
@click.option("--contract", required=True, type=_FILE, help="The data contract that FILE meets.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write it; where the contract's `distribution.reference` says if absent.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the profile as JSON as well.")
@click.pass_context
def profile(context: click.Context, file: Path, contract: Path, out: Path | None, force: bool, as_json: bool) -> None:
    """Write the reference profile of FILE, such as a model's training rows; 1 where FILE breaks its contract."""
    known = _read_contract(contract)
    reference = known.distribution.reference if known.distribution else "reference-profile.json"
    place = out or contract.parent / reference
    if place.exists() and not force:
        raise Unusable(f"{place} is there already; give --force to overwrite it, or another place: --out FILE")
    with waiting(f"reading {file.name}"):
        findings, made = _profile(file, replace(known, distribution=None), known)
    if made is None:
        click.echo(f"{file} breaks {contract}, so nothing was written", err=True)
        for finding in findings:
            click.echo(f"  {finding}", err=True)
        context.exit(NO)
    place.write_text(json.dumps(made.to_dict()) + "\n", encoding="utf-8")
    if as_json:
        emit_json(made.to_dict())
        return
    click.echo(f"wrote {place}: {made.rows} rows, {', '.join(made.columns) or 'no column worth comparing'}")
    if known.distribution is None:
        click.echo(
            f"name it in {contract}, and arrivals are compared with it: distribution: {{reference: {reference}}}"
        )


def _read_contract(path: Path) -> "DataContract":
    import yaml

    from shared.domain.data_contract import parse_contract

    try:
        return parse_contract(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValueError, yaml.YAMLError) as error:
        raise Unusable(
            f"{path} is no data contract: {first_line(error)}; docs/data-contracts.md has a whole one"
        ) from error


def _profile(
    file: Path, rules: "DataContract", contract: "DataContract"
) -> tuple[tuple[str, ...], "ReferenceProfile | None"]:
    """What of *file* breaks *rules*, and its profile for *contract* where nothing does."""
    from shared.adapters.reader.checks import check_files
    from shared.adapters.reader.files import local_file
    from shared.adapters.tables.measuring import profile as profile_of

    table = local_file(file, file.name)
    report = check_files([table], rules)  # In a process of its own: what could end this one is a finding there.
    if report.outcome != "passed":
        return report.summary, None
    return (), profile_of([table], contract)
