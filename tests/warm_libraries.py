"""What the server of the hosts' forks imports: libraries, and the app's modules, none of which reads a setting.

`function_app` does, when it registers the app's functions: each host imports it by itself.
"""

import importlib
import pkgutil
import signal

from signalbox.lifeline import die_with_parent

die_with_parent(signal.SIGKILL)
for library in (
    *("azure.ai.ml", "azure.durable_functions", "azure.eventgrid", "azure.functions", "azure.identity"),
    *("azure.keyvault.keys.crypto", "azure.servicebus", "azure.storage.blob", "jinja2"),
    *("opentelemetry.sdk.trace", "pyarrow", "pydantic", "re2"),
):
    importlib.import_module(library)
for room in ("shared", "activities", "orchestrators"):
    for module in pkgutil.walk_packages(importlib.import_module(room).__path__, f"{room}."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
