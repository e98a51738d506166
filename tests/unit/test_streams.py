"""When records become a batch, and what file they become: properties over anything that can wait."""

import csv
import io
import json
import math

from hypothesis import given
from hypothesis import strategies as st

from shared.domain.data.data_contract import Column, CsvDialect, DataContract
from shared.domain.data.record_files import file_of_records
from shared.domain.inference.streams import Stream, WaitingMessage, cut

STREAMS = st.builds(
    Stream,
    name=st.just("s"),
    route=st.just("r"),
    land=st.just("landing/{batch}.csv"),
    records=st.integers(1, 20),
    size=st.integers(10, 200),
    age_s=st.integers(1, 60),
)
WAITING = st.lists(
    st.tuples(st.integers(1, 8), st.integers(1, 80), st.floats(0, 90)).map(
        lambda it: WaitingMessage(name="", records=it[0], size=it[1], age_s=it[2])
    ),
    max_size=30,
).map(
    lambda them: [
        WaitingMessage(name=str(n), records=it.records, size=it.size, age_s=it.age_s) for n, it in enumerate(them)
    ]
)


def split(
    held: list[WaitingMessage], stream: Stream
) -> tuple[list[list[WaitingMessage]], list[WaitingMessage], float | None]:
    """All batches that are due, what is left, and how long to wait for it."""
    batches = []
    while True:
        found = cut(held, stream)
        if not found.batch:
            return batches, held, found.wait_s
        batches.append(held[: len(found.batch)])
        assert tuple(each.name for each in batches[-1]) == found.batch
        held = held[len(found.batch) :]


@given(WAITING, STREAMS)
def test_batches_take_every_message_once_and_in_order_and_respect_the_limits(
    held: list[WaitingMessage], stream: Stream
):
    batches, left, wait_s = split(held, stream)

    assert [each for batch in batches for each in batch] + left == held
    for batch in batches:
        fits = sum(each.records for each in batch) <= stream.records and sum(b.size for b in batch) <= stream.size
        assert fits or len(batch) == 1
    assert (wait_s is None) == (not left)
    if wait_s is not None:
        assert 0 < wait_s <= max(0.1, stream.age_s - max(each.age_s for each in left)) + 0.001


@given(WAITING, STREAMS)
def test_a_batch_is_closed_only_where_it_is_full_or_due_and_nothing_due_is_left(
    held: list[WaitingMessage], stream: Stream
):
    batches, left, _ = split(held, stream)

    following = [batch[0] for batch in batches[1:]] + left[:1]
    for batch, after in zip(batches, following, strict=False):
        grown = [*batch, after]
        no_more_fits = (
            sum(each.records for each in grown) > stream.records or sum(each.size for each in grown) > stream.size
        )
        assert no_more_fits or max(each.age_s for each in batch) >= stream.age_s
    assert all(each.age_s < stream.age_s for each in left)
    assert sum(each.records for each in left) < stream.records
    assert sum(each.size for each in left) < stream.size


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12) | st.sampled_from(
    ["NA", "", 'a"b', "a,b", "a\nb", " a", "null"]
)
RECORDS = st.lists(
    st.fixed_dictionaries({"id": TEXTS, "n": st.integers(-(2**53), 2**53) | st.none(), "f": st.floats(-1e9, 1e9)}),
    min_size=1,
    max_size=8,
)
COLUMNS = (
    Column(name="id", type="string"),
    Column(name="n", type="integer", nullable=True),
    Column(name="f", type="number"),
)


@given(RECORDS, st.sampled_from([",", ";", "\t"]))
def test_records_survive_as_csv_in_any_dialect(records, delimiter):
    contract = DataContract(format="csv", columns=COLUMNS, csv=CsvDialect(delimiter=delimiter))

    head, *rows = csv.reader(io.StringIO(file_of_records(records, contract).decode(), newline=""), delimiter=delimiter)

    assert head == ["id", "n", "f"]
    assert [row[0] for row in rows] == [record["id"] for record in records]
    assert [row[1] for row in rows] == ["" if record["n"] is None else str(record["n"]) for record in records]
    assert all(math.isclose(float(row[2]), record["f"]) for row, record in zip(rows, records, strict=True))


@given(RECORDS)
def test_records_survive_as_json_lines(records):
    data = file_of_records(records, DataContract(format="jsonl", columns=COLUMNS))

    assert [json.loads(line) for line in data.decode().split("\n")[:-1]] == records


def test_what_reads_like_no_value_is_quoted_so_that_it_stays_a_text():
    contract = DataContract(format="csv", columns=COLUMNS[:2])

    assert (
        file_of_records([{"id": "NA", "n": 1}, {"id": "a", "also": True}], contract) == b'id,n,also\n"NA",1,\na,,true\n'
    )
