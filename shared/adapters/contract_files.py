"""Data contracts and their reference profiles, as they lie on the disk beside the configuration."""

import json
from functools import lru_cache
from pathlib import Path

import yaml

from shared.domain.data_contract import DataContract, parse_contract
from shared.domain.reference_profile import ReferenceProfile, parse_profile


@lru_cache(maxsize=32)
def load_contract(path: Path, changed_ns: int) -> tuple[DataContract, ReferenceProfile | None]:
    """The contract at *path* and its reference profile beside it; *changed_ns* makes an edited file another one.

    Raises OSError, ContractError, ProfileError or yaml.YAMLError.
    """
    del changed_ns
    contract = parse_contract(yaml.safe_load(path.read_text(encoding="utf-8")))
    if contract.distribution is None:
        return contract, None
    beside = path.parent / contract.distribution.reference
    return contract, parse_profile(json.loads(beside.read_text(encoding="utf-8")))
