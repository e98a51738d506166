"""A project's own gates: whatever their file does, the answer is a finding, and the app goes on."""

from pathlib import Path
from typing import Any

import pytest

from shared.adapters.project_functions.functions import ProjectFunctionProcesses
from shared.codec import decode, encode
from shared.domain.gates import GateOutcome, GateSpec, Verdict, judge_gates, read_gate
from shared.domain.gates.evidence import DataTest, Evidence
from shared.domain.gates.plugins import ProjectGateCall, finding_of
from shared.domain.project_functions import digest_of

FILE = "rules/gates.py"
EVIDENCE = Evidence(data_test=DataTest(outcome="passed", rows=200))
ENOUGH = """\
def enough(evidence, options):
    rows = evidence["data_test"]["rows"]
    outcome = "pass" if rows >= options.get("rows", 100) else "fail"
    return {"outcome": outcome, "because": f"{rows} rows", "figures": {"rows": rows}}
"""


def written(home: Path, text: str) -> str:
    """The digest of the project's file, which has *text* from now on."""
    (home / "rules").mkdir(exist_ok=True)
    (home / FILE).write_text(text)
    return digest_of(text.encode())


def verdict(home: Path, text: str, evidence: Evidence = EVIDENCE, **options: Any) -> Verdict:
    spec = GateSpec(gate=f"{FILE}:enough", options=options, source=written(home, text))
    return judge_gates([spec], evidence, ProjectFunctionProcesses(home).ask)[0]


def test_a_gate_gets_the_parts_that_it_needs_and_its_options(tmp_path: Path) -> None:
    passing = verdict(tmp_path, ENOUGH, needs=["data_test"])
    failing = verdict(tmp_path, ENOUGH, needs=["data_test"], options={"rows": 201})

    assert (passing.outcome, passing.because, passing.figures) == (GateOutcome.PASS, "200 rows", {"rows": 200.0})
    assert passing.source == digest_of(ENOUGH.encode())
    assert failing.outcome is GateOutcome.FAIL


def test_a_part_that_was_not_measured_fails_before_anything_runs(tmp_path: Path) -> None:
    outcome = verdict(tmp_path, "raise SystemExit(3)", Evidence(), needs=["data_test"])

    assert (outcome.outcome, outcome.because) == (GateOutcome.FAIL, "there is no evidence about: data test")


def test_without_somebody_to_ask_it_stays_open() -> None:
    assert judge_gates([GateSpec(gate=f"{FILE}:enough")], EVIDENCE)[0].outcome is GateOutcome.INCONCLUSIVE


BODIES = {
    "return 7": "it returned 7",
    "return {'outcome': 'maybe', 'because': 'x'}": "its outcome is 'maybe'",
    "return {'outcome': 'pass', 'because': 'x', 'figures': {'x': float('nan')}}": "give a finite number",
    "return {'outcome': 'pass', 'because': object()}": "it returned what is no JSON",
    "print('hello')": "it printed 'hello\\n'",
    "import os; os.write(1, b'{\"returned\": 1}')\n    return {'outcome': 'fail', 'because': 'kept'}": "kept",
    "return evidence['rows']": "it failed at rules/gates.py:2: KeyError: 'rows'",
    "import sys; sys.exit(0)": "SystemExit: 0",
    "import os; os._exit(3)": "its process ended with code 3",
    "import faulthandler; faulthandler._sigsegv()": "its process was ended by signal 11",
    "return bytearray(1 << 30)": "it took more than 256 MB of memory",
    "return {'outcome': 'pass', 'because': 'x' * 999_999}": "its answer has more than",
    "import socket; socket.create_connection(('127.0.0.1', 9))": "no network",
    "import subprocess; subprocess.run(['true'])": "no network, files or processes",
    "open('/proc/self/environ')": "a gate opens no file",
    "open('note.txt', 'w')": "a gate opens no file",
    "import ctypes; ctypes.CDLL(None)": "no network, files or processes: ctypes.dlopen",
    "import yaml": "ModuleNotFoundError",
    "import shared": "ModuleNotFoundError",
}


@pytest.mark.parametrize("body", BODIES)
def test_what_goes_wrong_in_it_is_a_finding_with_its_reason(tmp_path: Path, body: str) -> None:
    outcome = verdict(tmp_path, f"def enough(evidence, options):\n    {body}\n")

    assert outcome.outcome is GateOutcome.FAIL
    assert BODIES[body] in outcome.because


@pytest.mark.parametrize("body", ["while True: pass", "import time; time.sleep(60)"])
def test_one_that_hangs_is_ended(tmp_path: Path, body: str) -> None:
    outcome = verdict(tmp_path, f"def enough(evidence, options):\n    {body}\n", seconds=0.3)

    assert (outcome.outcome, outcome.because) == (GateOutcome.FAIL, "it took longer than 0.3 s")


def test_it_sees_no_setting_of_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGNALBOX_SECRETS_KEY", "secret")
    body = (
        "import os\ndef enough(evidence, options):\n    return {'outcome': 'pass', 'because': str(dict(os.environ))}\n"
    )

    assert "secret" not in verdict(tmp_path, body).because


def test_a_file_that_has_changed_or_gone_is_not_asked(tmp_path: Path) -> None:
    planned = written(tmp_path, ENOUGH)
    call = ProjectGateCall(
        file=FILE, function="enough", source=planned, seconds=1.0, memory_mb=256, evidence={}, options={}
    )
    written(tmp_path, ENOUGH.replace("100", "1"))
    changed = ProjectFunctionProcesses(tmp_path).ask(call)
    (tmp_path / FILE).unlink()
    gone = ProjectFunctionProcesses(tmp_path).ask(call)

    assert (changed.outcome, gone.outcome) == (GateOutcome.FAIL, GateOutcome.FAIL)
    assert f"was {planned} when this was planned" in changed.because
    assert "cannot be read" in gone.because


@pytest.mark.parametrize(
    "answer",
    [
        None,
        {"outcome": "pass"},
        {"outcome": "pass", "because": " "},
        {"outcome": "pass", "because": "x", "more": 1},
        {"outcome": "pass", "because": "x", "figures": []},
        {"outcome": "pass", "because": "x", "figures": {"x": 10**400}},
        {"outcome": ["pass"], "because": "x"},
    ],
)
def test_nonsense_is_a_failure(answer: object) -> None:
    assert finding_of(answer).outcome is GateOutcome.FAIL


def test_options_are_read_strictly_and_the_source_is_left_out_where_there_is_none() -> None:
    _, problems = read_gate(f"{FILE}:enough", {"need": ["data_test"], "seconds": 0})
    _, nearly = read_gate("rules/gates.py", {})

    assert {problem.option for problem in problems} == {"need", "seconds"}
    assert nearly[0].remedy == "write FILE.py:FUNCTION for a gate of the project"
    assert encode(GateSpec(gate="not_frozen")) == {"gate": "not_frozen", "options": {}}
    assert decode(GateSpec, {"gate": "x", "options": {}, "source": "sha256:1"}).source == "sha256:1"
