"""Data contracts and their reference profiles, as they lie on the disk beside the configuration.

It stands alone, because data checks and drift counts both load contracts.
"""

from functools import lru_cache
from pathlib import Path

from shared.config import contracts
from shared.domain.data.data_contract import DataContract
from shared.domain.data.reference_profile import ReferenceProfile


@lru_cache(maxsize=32)
def load_contract(path: Path, changed_ns: int) -> tuple[DataContract, ReferenceProfile | None]:
    """The contract at *path* and its reference profile beside it; *changed_ns* makes an edited file another one.

    Raises OSError, or ConfigurationError with everything that is wrong.
    """
    del changed_ns
    return contracts.load_contract(path.parent, path.name)
