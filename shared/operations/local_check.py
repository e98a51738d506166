"""`python -m shared.operations.local_check FILE CONTRACT [--json]`: judge a file as the app would, without the app.

It ends with 0 where the file passes, 1 where it has findings, 2 where nothing could be tried.
"""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from shared.adapters.reader.checks import check_files
from shared.adapters.reader.files import local_file
from shared.adapters.reader.process import ReaderFailed
from shared.config.contracts import read_contract
from shared.config.findings import FileFinding
from shared.domain.counts import counted
from shared.domain.data.data_samples import lines_with_samples

PASSED, FAILED, NOT_TRIED = 0, 1, 2


def judge_locally(file: Path, contract: Path) -> tuple[int, dict[str, Any]]:
    """The exit code and the report on *file*; `refused`, with the reasons, where nothing could be tried."""
    rules = read_contract(contract.parent, contract.name)
    if rules.contract is None:
        return NOT_TRIED, _refusal([_with_file(finding, contract.parent) for finding in rules.findings])
    try:
        with file.open("rb"):
            pass
        report = check_files([local_file(file)], rules.contract, rules.reference, home=contract.parent).to_dict()
    except (OSError, ReaderFailed) as error:
        problem = FileFinding(line=0, field="file", problem=f"cannot be read ({error})", remedy="name a readable file")
        return NOT_TRIED, _refusal([_with_file(problem, file.parent, file.name)])
    return PASSED if report["outcome"] == "passed" else FAILED, report


def main(arguments: list[str]) -> int:
    """Print the report, as JSON where *arguments* say so, and give the exit code."""
    paths = [Path(argument) for argument in arguments if argument != "--json"]
    if len(paths) != 2:
        print("usage: python -m shared.operations.local_check FILE CONTRACT [--json]", file=sys.stderr)
        return NOT_TRIED
    code, report = judge_locally(paths[0], paths[1])
    if "--json" in arguments:
        print(json.dumps(report, indent=2))
    elif code == NOT_TRIED:
        print("\n".join(report["summary"]), file=sys.stderr)
    else:
        print(f"{report['outcome']}: {counted(report['rows'], 'row')}")
        for line in lines_with_samples(report):
            print(f"  {line}")
    return code


def _refusal(findings: list[FileFinding]) -> dict[str, Any]:
    lines = [finding.placed("") for finding in findings]
    return {"outcome": "refused", "summary": lines, "problems": [asdict(finding) for finding in findings]}


def _with_file(finding: FileFinding, folder: Path, name: str = "") -> FileFinding:
    return replace(finding, file=str(folder / (finding.file or name)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
