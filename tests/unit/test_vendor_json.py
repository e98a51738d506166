"""What vendors send is read tolerantly, and what a decision needs is refused by the vendor's name, all at once."""

from dataclasses import dataclass
from typing import Annotated, Any

import pytest

from shared.domain.devops.hooks import Hint, HintKind
from shared.domain.events import UnreadableEvent
from shared.validation.vendor_json import AnyText, FilledText, Lenient, SentAs, read_vendor_json
from triggers.events.envelopes import read_event
from triggers.events.service_hooks import delivery_of, read_hint
from triggers.queues.queue_messages import kept_message


@dataclass(frozen=True, slots=True, kw_only=True)
class Wheel:
    size_mm: AnyText = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wagon:
    number: Annotated[FilledText, SentAs("wagonNumber", "number")]
    wheels: Annotated[tuple[Annotated[Wheel, Lenient(Wheel())], ...], Lenient(())] = ()
    owner_name: AnyText = ""


@pytest.mark.parametrize(
    ("raw", "wagon"),
    [
        ({"WAGONNUMBER": "7", "ownerNAME": "x", "unknown": 1}, Wagon(number="7", owner_name="x")),
        ({"wagonNumber": None, "number": "8"}, Wagon(number="8")),
        ({"wagonNumber": "", "number": "8"}, Wagon(number="8")),
        ({"number": "8", "wheels": [{"sizeMm": "9"}, 3]}, Wagon(number="8", wheels=(Wheel(size_mm="9"), Wheel()))),
        ({"number": "8", "wheels": "none", "ownerName": 5}, Wagon(number="8")),
    ],
)
def test_keys_have_any_case_and_a_lenient_field_that_does_not_fit_is_its_default(raw: Any, wagon: Wagon) -> None:
    assert read_vendor_json(Wagon, raw).value == wagon


def test_a_missing_field_is_named_by_all_its_names() -> None:
    (fault,) = read_vendor_json(Wagon, {"wheels": []}).faults

    assert (fault.field, fault.kind) == ("wagonNumber or number", "missing")


def test_everything_that_is_wrong_with_a_files_event_is_named_at_once() -> None:
    raw = {
        "topic": "/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/datahub",
        "subject": "/elsewhere",
        "eventType": "Microsoft.Storage.BlobCreated",
        "eventTime": "yesterday",
        "data": {"api": "PutBlob"},
    }

    with pytest.raises(UnreadableEvent) as refused:
        read_event(raw, "datahub")

    assert sorted(str(refused.value).split("; ")) == sorted(
        [
            "event.id is missing",
            "expected a non-empty string",
            "event.time or eventTime is 'yesterday'",
            "expected a time like 2026-01-31T12:00:00Z",
            "event.subject is '/elsewhere'",
            "expected /blobServices/default/containers/NAME/blobs/PATH",
            "data.eTag is missing",
            "expected an eTag",
        ]
    )


def test_a_hook_is_told_from_its_other_deliveries_and_read_in_any_case() -> None:
    run = {"EVENTTYPE": "ms.vss-pipelines.run-state-changed-event", "resource": {"run": {"url": "https://x/runs/12/"}}}
    names = {"subscriptionId": "s", "notificationId": 4, "id": None, "createdDate": "soon"}

    assert read_hint(run) == Hint(kind=HintKind.RUN, id="12")
    assert delivery_of(run | names) == ("s/4/", None)


def test_a_kept_message_is_the_letter_that_it_was_kept_as() -> None:
    records = {"type": "Signalbox.HubRecords", "id": "m", "session": "s", "correlation": "c", "sequence": 3, "data": {}}
    files = {"type": "Signalbox.HubMessage", "id": "m", "session": "", "correlation": "", "data": {"paths": []}}

    for letter in (records, records | {"cut": True}, files):
        message = kept_message(letter)
        assert message is not None
        assert message.letter == letter
    assert kept_message({"type": "Microsoft.Storage.BlobCreated"}) is None
