"""What crosses the Durable boundary to make micro-batches of records; records themselves never do."""

from dataclasses import dataclass

from shared.contracts.kinds import Activity, Effect, Orchestration
from shared.contracts.payloads import Done


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsWatch:
    """A group of a stream by name: what the stream is now is looked up whenever somebody looks."""

    stream: str
    group: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsSeen:
    """Whether a batch is to be closed now, or when to look again (None: nothing waits)."""

    due: bool
    wait_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchClosing:
    key: str
    watch: RecordsWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchClosed:
    """*run* scores the batch; both are empty where there was nothing to close."""

    batch: str = ""
    run: str = ""


LOOK_AT_RECORDS = Activity("look_at_records", RecordsWatch, RecordsSeen, Effect.READS)
CLOSE_BATCH = Activity("close_batch", BatchClosing, BatchClosed, Effect.WRITES)

COLLECT_RECORDS = Orchestration("collect_records", RecordsWatch, Done)
