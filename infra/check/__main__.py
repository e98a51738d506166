"""`python -m infra.check [INSTALLATION ...]`: judge the templates, and each installation's file of parameters."""

import sys
from pathlib import Path

from infra.check.judgement import committed_files, judge

if __name__ == "__main__":
    files = committed_files(Path(__file__).parents[1])
    for argument in sys.argv[1:]:
        files.texts[argument] = Path(argument).read_text(encoding="utf-8")
    findings = judge(files, sys.argv[1:])
    sys.stdout.writelines(f"{finding}\n" for finding in findings)
    sys.exit(1 if findings else 0)
