"""What a reader process can be asked to do. Each gives JSON and bytes, and raises only for faults of the product."""

from collections.abc import Iterator, Sequence

from shared.adapters.reader.files import TableFile
from shared.adapters.reader.frames import Frame
from shared.adapters.tables import measuring
from shared.domain.data_contract import DataContract
from shared.domain.data_measures import measurements_to_dict
from shared.domain.reference_profile import ReferenceProfile


def measure(files: Sequence[TableFile], contract: DataContract, reference: ReferenceProfile | None) -> Iterator[Frame]:
    """The measurements of *files* in one frame."""
    yield measurements_to_dict(measuring.measure(files, contract, reference)), b""
