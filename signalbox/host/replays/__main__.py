"""The process in which an app's code is replayed: `python -m signalbox.host.replays APP`.

It stands alone, because a process is started by it. Histories come as lines of JSON on standard input, and a report of
each goes to standard output. The app is imported here, so that it can hurt nobody else, and so that two versions of it
never meet in one process.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

from signalbox.host.durable.functions import app_orchestrators, durable_names
from signalbox.host.errors import HostError
from signalbox.host.functions import index, load_app
from signalbox.host.replays.histories import StoredHistory
from signalbox.host.replays.turns import replay

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    reports, sys.stdout = sys.stdout, sys.stderr  # What the app prints is no report.
    try:
        functions = index(load_app(folder), folder).values()
    except HostError as error:
        raise SystemExit(str(error)) from error
    orchestrators, names = app_orchestrators(functions), durable_names(functions)
    for line in sys.stdin:
        history = StoredHistory.from_json(json.loads(line))
        reports.write(json.dumps(asdict(replay(history, orchestrators, names))) + "\n")
