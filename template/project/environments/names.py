"""Keep the checksum of each environment in its name, so that a changed file is a new environment for Azure ML.

    python environments/names.py [--check]

With `--check` nothing is written, and the exit code is 1 where a name is out of date.
"""

import hashlib
import re
import sys
from pathlib import Path

NAME = re.compile(r"^name: (.+)-([0-9a-f]{12})\n", re.MULTILINE)


def named(text: str) -> str:
    """The environment *text* with the checksum of what follows its name. Raises ValueError where it has no name."""
    match = NAME.search(text)
    if match is None:
        raise ValueError("an environment needs a line such as `name: mine-training-000000000000`")
    packages = text[match.end() :]
    checksum = hashlib.sha256(packages.encode()).hexdigest()[:12]
    return f"{text[: match.start()]}name: {match[1]}-{checksum}\n{packages}"


def main(words: list[str]) -> int:
    """Write the names, or with `--check` say which are out of date."""
    paths = sorted(Path(__file__).parent.glob("*.yaml"))
    outdated_paths = [path for path in paths if named(path.read_text()) != path.read_text()]
    for path in outdated_paths:
        if "--check" in words:
            print(f"environments/{path.name}: its name has the checksum of other packages; run make environments")
        else:
            path.write_text(named(path.read_text()))
    return 1 if outdated_paths and "--check" in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
