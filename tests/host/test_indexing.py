"""An app that cannot be loaded: the sentence of the real worker, the app's own line, and no traceback."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from signalbox.host.command import host as command
from signalbox.host.errors import HostError
from signalbox.host.testing import LocalHost

HEAD = "import azure.functions as func\napp = func.FunctionApp()\n"
TIMER = '@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *")\n'
ROUTE = '@app.route("x")\n'


FIRST = "function_app.py:3: "
LOADS_NOT = FIRST + "cannot load the f function: "
OUTPUT = '@app.queue_output(arg_name="m", queue_name="q", connection="C")\n'
UNCLOSED = "import azure.functions as func\napp = func.FunctionApp(\n"

CASES = {
    UNCLOSED: "function_app.py:2: SyntaxError: '(' was never closed",
    "def f():\npass\n": "function_app.py:2: IndentationError: expected an indented block",
    HEAD + "import absent_library\n": FIRST + "ModuleNotFoundError: No module named 'absent_library'",
    HEAD + "import helper\n": "helper.py:2: ZeroDivisionError: division by zero",
    HEAD + "import broken\n": "broken.py:1: SyntaxError: invalid syntax",
    HEAD + "int('x')\n": FIRST + "ValueError: invalid literal",
    HEAD + (TIMER + "def f(timer): ...\n") * 2: (
        "function_app.py:3, function_app.py:5: Function f does not have a unique function name"
    ),
    HEAD + OUTPUT + "def f(m): ...\n": FIRST + "Function f does not have a trigger",
    HEAD + TIMER + TIMER + "def f(timer): ...\n": FIRST + "ValueError: A trigger was already registered",
    HEAD + TIMER + "def f(time): ...\n": (
        LOADS_NOT + "the following parameters are declared in Python but not in the function definition "
        "(function.json or function decorators): 'time'"
    ),
    HEAD + TIMER + "def f(): ...\n": (
        LOADS_NOT + "the following parameters are declared as bindings but are not present in Python: 'timer'"
    ),
    HEAD + TIMER + "def f(timer, context: int): ...\n": (
        LOADS_NOT + 'the "context" parameter is expected to be of type azure.functions.Context'
    ),
    HEAD + ROUTE + "def f(req: func.Out[str]): ...\n": LOADS_NOT + 'binding req is declared to have the "in" direction',
    HEAD + TIMER + OUTPUT + "def f(timer, m: str): ...\n": (
        LOADS_NOT + 'binding m is declared to have the "out" direction'
    ),
    HEAD + TIMER.replace("0 0 0 1 1 *", "%NOT_SET%") + "def f(timer): ...\n": (
        LOADS_NOT + "'%NOT_SET%' does not resolve to a value"
    ),
}


@pytest.mark.parametrize(("source", "message"), CASES.items(), ids=[str(number) for number in range(len(CASES))])
def test_what_is_wrong_is_said_with_the_line_of_the_app(tmp_path: Path, source: str, message: str) -> None:
    (tmp_path / "function_app.py").write_text(source)
    (tmp_path / "helper.py").write_text("\n1 / 0\n")
    (tmp_path / "broken.py").write_text("a b\n")
    with pytest.raises(HostError) as refusal:
        LocalHost(tmp_path, tmp_path / "state")
    assert message in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_the_command_says_it_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("import azure.functions as func\nraise RuntimeError('not today')\n")
    result = CliRunner().invoke(command, ["start", "--app", str(tmp_path), "--state", str(tmp_path / "state")])
    assert (result.exit_code, "Traceback" in result.output) == (8, False)
    assert "function_app.py:2: RuntimeError: not today" in result.output
