"""`python -m shared.config [FILE]`: say every error and warning; 1 where the file cannot be used."""

import sys
from pathlib import Path

from shared.config import check
from shared.domain.counts import counted


def main(arguments: list[str]) -> int:
    path = Path(arguments[0] if arguments else "signalbox.yaml")
    findings = check(path)
    for finding in findings:
        print(finding.placed(path.name) + (" (warning)" if finding.level == "warning" else ""))
    errors = sum(finding.level == "error" for finding in findings)
    print(f"{path.name}: {counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
