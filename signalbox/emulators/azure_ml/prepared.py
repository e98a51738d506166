"""What the server of the scoring processes' forks imports before it forks: it takes two seconds, once for a cloud.

It stands alone, because whatever imports it ends with its parent. A library that is not installed is passed over.
"""

import contextlib
import importlib
import signal

from signalbox.lifeline import die_with_parent

LIBRARIES = (
    *("joblib", "pandas", "sklearn.datasets", "sklearn.linear_model", "sklearn.metrics"),
    *("sklearn.model_selection", "sklearn.pipeline", "sklearn.preprocessing"),
)

die_with_parent(signal.SIGKILL)
for library in LIBRARIES:
    with contextlib.suppress(ImportError):
        importlib.import_module(library)
