"""The JSON Schema of `signalbox.yaml`, for editors and other tools: `python -m shared.config.schema` prints it.

It says the shape; what only shows when fields are seen together is `shared.config.load`'s to refuse.
It stands alone because it is a command, and the app never needs it.
"""

import json
from typing import Any

from shared.config.sections.whole import SignalboxFile
from shared.validation.schemas import file_schema


def schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    return file_schema("signalbox.yaml", SignalboxFile)


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2))
