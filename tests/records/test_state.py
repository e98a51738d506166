"""Records that an earlier release wrote: read through the typed records, and written again, they are the same JSON.

`state/` has the state container as the demonstrations left it before records were typed: a file for each of them, with
the path, the metadata and the content of every blob. Pages, the audit chain and sealed secrets are left out.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared import contracts as c
from shared.domain.drift.reference import parse_reference
from shared.domain.messaging import Asker
from shared.domain.promotion.approvals import Approval
from shared.domain.promotion.people import Askers
from shared.domain.promotion.receipts import Receipt
from shared.domain.retraining.causes import Cause
from shared.ports import Blob
from shared.records import devops, drift, inference, promotion, retraining, schedules
from shared.records.retraining import open_causes
from shared.records.store import RecordStore, read_json
from tests.fakes.ports import MemoryHub

FOLDER = Path(__file__).parent / "state"
STATES: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
BLOBS = [(demo, path) for demo, blobs in STATES.items() for path in blobs]

KINDS: dict[str, Any] = {
    r"runs/[^/]+/run\.json": inference.RunRecord,
    r"runs/[^/]+/members\.json": tuple[inference.Member, ...],
    r"runs/[^/]+/askers/[^/]+\.json": tuple[Asker, ...],
    r"runs/[^/]+/orders/[^/]+\.json": inference.GivenOrder,
    r"runs/[^/]+/effects/(gathered)\.json": c.Gathered,
    r"runs/[^/]+/effects/(quarantined)\.json": c.Quarantined,
    r"runs/[^/]+/effects/(submitted)\.json": c.Submitted,
    r"runs/[^/]+/effects/(published)\.json": c.Published,
    r"runs/[^/]+/effects/(closed|drift-counted|told-[^/]+|announced-[^/]+)\.json": c.Done,
    r"streams/[^/]+/used/[^/]+\.json": inference.UsedMessage,
    r"streams/[^/]+/batches/[^/]+/[^/]+\.json": inference.BatchMessages,
    r"swept/[^/]+\.json": tuple[str, ...],
    r"schedules/clock\.json": schedules.Timetable,
    r"schedules/known\.json": schedules.KnownSchedules,
    r"promotions/[^/]+/promotion\.json": promotion.PromotionRecord,
    r"promotions/[^/]+/[^/]+/decisions/[^/]+\.json": Approval,
    r"promotions/[^/]+/[^/]+/(entry|exit)/evidence\.json": promotion.StageEvidence,
    r"promotions/[^/]+/effects/opened\.json": c.PromotionOpened,
    r"promotions/[^/]+/effects/[^/]+/(entry|exit)/receipt\.json": Receipt,
    r"promotions/[^/]+/effects/[^/]+/(entry|exit)/pack\.json": c.EvidencePack,
    r"promotions/[^/]+/effects/[^/]+/(entry|exit)/assessed\.json": c.Assessed,
    r"promotions-open/[^/]+\.json": c.Promotion,
    r"locks/.+\.json": promotion.LockHolder,
    r"holdouts/[^/]+/[^/]+/looks/[^/]+\.json": promotion.HoldoutLook,
    r"origins/[^/]+/[^/]+\.json": Askers,
    r"retraining/[^/]+/book\.json": retraining.Book,
    r"retraining/[^/]+/rows\.json": dict[str, int],
    r"retraining/[^/]+/causes/[^/]+\.json": Cause,
    r"retraining/[^/]+/verdicts/[^/]+\.json": retraining.RecordedVerdict,
    r"retraining-runs/[^/]+/run\.json": retraining.RetrainingRecord,
    r"retraining-runs/[^/]+/claim\.json": retraining.RetrainingClaim,
    r"retraining-runs/[^/]+/data\.json": retraining.TrainingLineage,
    r"retraining-runs/[^/]+/evaluation\.json": retraining.RecordedTrial,
    r"retraining-runs/[^/]+/effects/judged\.json": c.ChallengerJudged,
    r"retraining-runs/[^/]+/effects/registered\.json": c.ChallengerRegistered,
    r"drift-windows/[^/]+/[^/]+\.json": drift.WindowRecord,
    r"devops/tasks/[^/]+/told\.json": devops.TaskFeed,
    r"devops/claims/[^/]+/call\.json": devops.TaskClaim,
    r"devops/links/[^/]+/[^/]+\.json": devops.TaskLink,
    r"devops/runs/[^/]+/[^/]+/[^/]+\.json": devops.RunWaiter,
}
# What is no typed record: lists' rows are metadata, documents are the domain's, logs are lines, the rest the ledger's.
OTHERS = (
    r"listed/.+",
    r"index(-segments)?/.+",
    r"runs/[^/]+/data\.json",
    r"promotions/[^/]+/[^/]+/(entry|exit)/pack\.json",
    r"drift/[^/]+/[^/]+/(reference|windows/.+)\.json",
    r".+\.jsonl",
    r"devops/taken/.+",
    r"(promotions|retraining-runs|devops|streams)/.+",
)


def kind_of(path: str) -> Any:
    return next((kind for pattern, kind in KINDS.items() if re.fullmatch(pattern, path)), None)


def store_of(demo: str) -> RecordStore:
    """A store with the blobs that the demonstration left."""
    hub = MemoryHub(lambda: datetime(2026, 11, 29, 12, tzinfo=UTC))
    for path, blob in STATES[demo].items():
        content = blob["text"] if "text" in blob else json.dumps(blob["json"])
        hub.land(f"signalbox/{path}", content.encode(), blob.get("metadata"))
    return RecordStore(hub, "signalbox")


STORES = {demo: store_of(demo) for demo in STATES}


@pytest.mark.parametrize(
    ("demo", "path"), [(demo, path) for demo, path in BLOBS if kind_of(path) is not None], ids=lambda text: text[-60:]
)
def test_a_record_is_read_and_written_again_as_it_was(demo: str, path: str) -> None:
    store = STORES[demo]

    record = store.get(kind_of(path), path)
    store.create(f"again/{path}", record)

    assert store.document(f"again/{path}") == STATES[demo][path]["json"]


def test_every_blob_is_a_typed_record_or_named_as_another_thing() -> None:
    unknown = [path for _, path in BLOBS if kind_of(path) is None and not any(re.fullmatch(p, path) for p in OTHERS)]

    assert not unknown


def test_every_kind_of_record_is_among_what_was_left() -> None:
    assert not [pattern for pattern in KINDS if not any(re.fullmatch(pattern, path) for _, path in BLOBS)]


def test_documents_are_read_as_they_were() -> None:
    for demo, path in BLOBS:
        document = STATES[demo][path].get("json")
        if re.fullmatch(r"drift/[^/]+/[^/]+/reference\.json", path):
            reference = parse_reference(STORES[demo].document(path) or {})
            assert json.loads(json.dumps(reference.to_dict())) == document
        elif re.fullmatch(r"runs/[^/]+/data\.json", path):
            report = STORES[demo].get(inference.ReportedCheck, path)
            assert report is not None
            assert (report.outcome, report.rows) == (document["outcome"], document["rows"])
        elif path.endswith(".jsonl"):
            lines = [read_json(line.encode()) for line in STATES[demo][path]["text"].splitlines()]
            assert all(isinstance(line, dict) for line in lines)


def test_what_is_read_over_many_records_finds_them() -> None:
    """Windows, decisions and settled causes, by the functions that the app uses."""
    store = STORES["retraining"]

    assert drift.read_window(store, "diabetes-progression", "1") is not None
    assert open_causes(store, "diabetes-progression") == []  # All of them were settled.
    assert not retraining.book_of(store, "diabetes-progression").running
    runs = [past.run for past in retraining.book_of(store, "diabetes-progression").runs]
    assert [retraining.claimed_run(store, run).run for run in runs] == runs


def test_a_record_that_is_changed_keeps_its_metadata() -> None:
    store = store_of("demo")
    path = next(path for path in STATES["demo"] if re.fullmatch(r"promotions/[^/]+/promotion\.json", path))
    stored = store.get_stored(promotion.PromotionRecord, path)
    assert stored is not None

    store.update(stored, stored.record, {"fate": "held"})

    blob: Blob | None = store.find(path)
    assert blob is not None
    assert dict(blob.metadata) == {**STATES["demo"][path]["metadata"], "fate": "held"}
