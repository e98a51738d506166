"""What the API's document allows and forbids, sent by schemathesis with real tokens: no failure, and no 5xx.

One example a door of the most used here, and of each in `make proofs`; `make fuzz` sends many, as every person of the
local directory.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from signalbox.launcher.people import PERSONS, sign_in
from tests.amounts import WHOLE
from tests.onemachine.world import World

pytestmark = [pytest.mark.onemachine, pytest.mark.xdist_group("onemachine")]

EXAMPLES = int(os.environ.get("SIGNALBOX_FUZZ_EXAMPLES", "0"))
# A regular expression: these doors alone. tests/http_api/test_openapi.py compares all doors with the document.
SOME = "" if EXAMPLES or WHOLE else "^/api/v1/(runs|promotions|data-checks|models)"
PATHS = os.environ.get("SIGNALBOX_FUZZ_PATHS", SOME)
PEOPLE = [str(each["upn"]) for each in PERSONS] if EXAMPLES else ["linus@example.org"]
# Without examples to spare, only what random data finds: the systematic phase sends thousands of requests.
PHASES = "coverage,fuzzing" if EXAMPLES else "fuzzing"


@pytest.mark.long
@pytest.mark.parametrize("person", PEOPLE)
def test_no_request_makes_the_api_break_its_own_document(world: World, tmp_path: Path, person: str) -> None:
    ends, program = world.cloud.endpoints, Path(sys.executable).with_name("schemathesis")
    token = sign_in(ends, person)
    command = [str(program), "--config-file", str(Path(__file__).with_name("fuzz.toml")), "run"]
    command += [f"{ends.app}/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"]
    command += ["--phases", PHASES, "--max-examples", str(EXAMPLES or 1), "--seed", "1"]
    command += ["--continue-on-failure", "--generation-database", "none", "--no-color", "--warnings", "off"]
    command += ["--include-path-regex", PATHS] if PATHS else []
    command += ["--request-timeout", "30", "--workers", "1"]  # Of two, one now and then upsets CPython 3.11's parser.

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=3000, check=False)

    said = ended.stdout.replace(token, "TOKEN")
    print(person, *re.findall(r"Tested: .*|Test cases:\n.*|=+ .* in [\d.]+s =+", said), sep="\n")
    assert ended.returncode == 0, said[-20_000:]
