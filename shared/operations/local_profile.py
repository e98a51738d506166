"""`python -m shared.operations.local_profile FILE CONTRACT`: write a reference profile, without the app.

The options are those of `signalbox profile`.
It ends with 0 where the profile was written, 1 where FILE breaks its contract, 2 where nothing could be tried.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import local_file
from shared.adapters.reader.process import ReaderFailed
from shared.adapters.tables.measuring import profile
from shared.config.contracts import read_rules
from shared.domain.counts import counted
from shared.domain.data.data_contract import DataContract
from shared.domain.data.data_samples import lines_with_samples

WRITTEN, BROKEN, NOT_TRIED = 0, 1, 2


class NotTried(Exception):
    """Why no profile could be made."""


def write_profile(file: Path, contract_file: Path, out: Path | None, force: bool, as_json: bool) -> int:
    """Write the profile of *file* and print what was written. Raises NotTried."""
    contract = _contract(contract_file)
    reference = contract.distribution.reference if contract.distribution else "reference-profile.json"
    path = out or contract_file.parent / reference
    if path.exists() and not force:
        raise NotTried(f"{path} is there already; give --force to overwrite it, or another place: --out FILE")
    table = local_file(file)
    # The reader's process judges the file first: what could end a process is a finding there.
    report = check_files([table], replace(contract, distribution=None), home=contract_file.parent)
    if report.outcome != "passed":
        reasons = (f"  {line}" for line in lines_with_samples(report.to_dict()))
        lines = [f"{file} breaks {contract_file}, so nothing was written", *reasons]
        print("\n".join(lines), file=sys.stderr)
        return BROKEN
    reference_profile = profile([table], contract)
    path.write_text(json.dumps(reference_profile.to_dict()) + "\n", encoding="utf-8")
    if as_json:
        print(json.dumps(reference_profile.to_dict(), indent=2))
        return WRITTEN
    column_names = ", ".join(reference_profile.columns) or "no column worth comparing"
    print(f"wrote {path}: {counted(reference_profile.rows, 'row')}, {column_names}")
    if contract.distribution is None:
        field = f"distribution: {{reference: {reference}}}"
        print(f"name it in {contract_file}, and arrivals are compared with it: {field}")
    return WRITTEN


def main(arguments: list[str]) -> int:
    """Write the profile that *arguments* ask for, and give the exit code."""
    parser = argparse.ArgumentParser(prog="python -m shared.operations.local_profile")
    parser.add_argument("file", type=Path)
    parser.add_argument("contract", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        return write_profile(options.file, options.contract, options.out, options.force, options.json)
    except (NotTried, OSError, ReaderFailed) as error:
        print(error, file=sys.stderr)
        return NOT_TRIED


def _contract(path: Path) -> DataContract:
    rules = read_rules(path.parent, path.name)
    if rules.contract is None:
        problems = "; ".join(map(str, rules.findings))
        raise NotTried(f"{path} is no data contract: {problems}; docs/data-contracts.md has a whole one")
    return rules.contract


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
