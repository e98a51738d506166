"""What the server of the hosts' forks imports: libraries, and nothing of the app, which reads its settings.

It stands alone, because whatever imports it ends with its parent.
"""

import importlib
import signal

from signalbox.lifeline import die_with_parent

die_with_parent(signal.SIGKILL)
for library in (
    *("azure.ai.ml", "azure.durable_functions", "azure.eventgrid", "azure.functions", "azure.identity"),
    *("azure.keyvault.keys.crypto", "azure.servicebus", "azure.storage.blob", "jinja2"),
    *("opentelemetry.sdk.trace", "pyarrow", "pydantic", "re2", "scipy.special"),
):
    importlib.import_module(library)
