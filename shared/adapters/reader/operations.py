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


def measure_each(files: Sequence[TableFile], contract: DataContract) -> Iterator[Frame]:
    """The measurements of each of *files* by itself, a frame each; the last frame is empty."""
    for file in files:
        yield measurements_to_dict(measuring.measure([file], contract, None)), b""
    yield {}, b""
