"""Runs one step of a pipeline: `python -m signalbox.emulators.azure_ml.pipelines.step COMMAND ARGUMENT...`.

The command takes this process's place, so that it ends with the emulator however that ends.
It stands alone, because it is a program of its own.
"""

import os
import signal
import sys

from signalbox.lifeline import die_with_parent


def main(command: list[str]) -> None:
    """`python` is this project's own."""
    die_with_parent(signal.SIGKILL)
    program, *arguments = command
    program = sys.executable if program in ("python", "python3") else program
    os.execvp(program, [program, *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
