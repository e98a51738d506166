"""A data contract from the content of its file, as tests write it."""

from collections.abc import Mapping
from typing import Any

from shared.config.contracts import contract_in
from shared.config.document import Document
from shared.config.findings import ConfigurationError
from shared.domain.data.data_contract import DataContract


def parse_contract(content: Mapping[str, Any]) -> DataContract:
    """The contract with this *content*. Raises ConfigurationError with everything that is wrong in it."""
    contract, findings = contract_in(Document(content=dict(content), lines={}))
    if contract is None or findings:
        raise ConfigurationError("contract.yaml", findings)
    return contract
