"""Ask the app's own code, without an app that runs: in a process of its own, as the app may be another version."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import click

NOT_TRIED = 2


def check_locally(app: Path, file: Path, contract: Path, as_json: bool) -> int:
    """Judge *file* by *contract* with the code in the folder *app*; the exit code is 0, 1 or 2 as `check` says."""
    return _run(app, "shared.operations.local_check", [str(file), str(contract), *(["--json"] * as_json)])


def write_profile(app: Path, file: Path, contract: Path, options: list[str]) -> int:
    """Write the reference profile of *file* with the code in the folder *app*; the exit code is as `profile` says."""
    return _run(app, "shared.operations.local_profile", [str(file), str(contract), *options])


def infer_contract(app: Path, file: Path, out: Path, force: bool) -> int:
    """Infer a contract for *file* with the code in the folder *app*; 0 where it and its profile were written."""
    return _run(app, "shared.operations.local_contract", [str(file), str(out), *(["--force"] * force)])


def figures_of(app: Path, files: Sequence[Path], columns: Sequence[str]) -> tuple[int, str]:
    """The figures of *files* as JSON, counted by the code in the folder *app*, and 0, 1 or 2 as `data profile` says.

    *columns* are the names of those to describe, or patterns of names. What cannot be read is said on standard error.
    """
    options = [f"--column={pattern}" for pattern in columns]
    return _answer(app, "shared.operations.local_dataset", [*options, "--", *map(str, files)])


def check_configuration(app: Path, file: Path) -> int:
    """Say every error and warning in the configuration *file*; 1 where it cannot be used, 2 where there is no app."""
    return _run(app, "shared.config", [str(file)])


def persona_matrix(app: Path, file: Path) -> tuple[int, str]:
    """The matrix of the configuration *file* as JSON, by the code in the folder *app*, and 0 where it can be used."""
    return _answer(app, "shared.operations.persona_matrix", [str(file)])


def change_keys(app: Path, arguments: list[str], token: str = "") -> int:
    """Make or change signing keys with the code in *app*; 2 where it is refused. *token* is for the vault."""
    return _run(app, "shared.operations.signing_keys", arguments, token)


def _run(app: Path, module: str, arguments: list[str], content: str = "") -> int:
    code, answer = _answer(app, module, arguments, content)
    click.echo(answer, nl=False)
    return code


def _answer(app: Path, module: str, arguments: list[str], content: str = "") -> tuple[int, str]:
    """The exit code of *module* and what it printed; its complaints are passed on."""
    if not (app / "shared" / "config" / "__main__.py").is_file():
        click.echo(f"{app.resolve()} is not the app's folder; name it with --app", err=True)
        return NOT_TRIED, ""
    process = subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments],  # -P: the working folder may have a `shared` of its own.
        env=os.environ | {"PYTHONPATH": str(app.resolve())},
        check=False,
        capture_output=True,
        text=True,
        input=content or None,
    )
    click.echo(process.stderr, nl=False, err=True)
    return process.returncode, process.stdout
