"""The JSON Schema of data contracts, for editors and other tools: `python -m shared.config.contract_schema` prints it.

It says the shape; what a column's type asks of its bounds and values is `shared.config.contract_file`'s to refuse.
It stands alone because it is a command, and the app never needs it.
"""

import json
from typing import Any

from shared.config.contract_file import ContractSection
from shared.validation.schemas import file_schema


def contract_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12."""
    return file_schema("Data contract", ContractSection)


if __name__ == "__main__":
    print(json.dumps(contract_schema(), indent=2))
