"""Keeps what was verified of the log: one signed blob beside the app's records, which is written over.

Somebody who puts back an older one, or removes it, only has more read again. It lies outside of the log's container,
since that may lie under a policy by which nothing is ever written over.
"""

import json
from datetime import datetime

from shared.codec import encode
from shared.domain.trust.envelopes import Envelope, MalformedEnvelopeError, canonical_json
from shared.domain.trust.keys import Purpose
from shared.domain.trust.tree_heads import read_envelope
from shared.domain.trust.verified_logs import VERIFIED_LOG_TYPE, FiledEntries, VerifiedMark
from shared.ports import DataHub, Signing

MARK_PATH = "trust/verified-log.json"


class VerifiedMarks:
    """The mark of the log called *log*, in *container* of *hub*."""

    def __init__(self, hub: DataHub, container: str, signing: Signing, log: str) -> None:
        self._hub, self._container, self._signing, self._log = hub, container, signing, log

    def newest(self) -> tuple[VerifiedMark | None, str]:
        """The mark, and why what lies in its place is not believed; None where nothing counts as verified."""
        raw = self._hub.read(self._container, MARK_PATH)
        if raw is None:
            return None, ""
        try:
            envelope = read_envelope(json.loads(raw))
            mark = _read(envelope)
        except ValueError as error:
            return None, f"{MARK_PATH} is not believed: {error}"
        objection = self._signing.objection(Purpose.LOG, envelope, datetime.fromisoformat(mark.at))
        if mark.log != self._log:
            objection = f"it is of the log {mark.log!r}"
        return (None, f"{MARK_PATH} is not believed: {objection}") if objection else (mark, "")

    def keep(self, mark: VerifiedMark) -> None:
        """Write *mark* over the one before. A loss against another process costs nothing but reading again."""
        envelope = self._signing.sign(Purpose.LOG, VERIFIED_LOG_TYPE, mark.payload())
        content = canonical_json(encode(envelope))
        blob = self._hub.find(self._container, MARK_PATH)
        if blob is None:
            self._hub.create(self._container, MARK_PATH, content)
        else:
            self._hub.replace(self._container, MARK_PATH, content, blob.etag)


def _read(envelope: Envelope) -> VerifiedMark:
    """Raises MalformedEnvelopeError where *envelope* is no mark."""
    if envelope.payloadType != VERIFIED_LOG_TYPE:
        raise MalformedEnvelopeError(f"its type is {envelope.payloadType!r}, not {VERIFIED_LOG_TYPE}")
    try:
        raw = json.loads(envelope.content)
        subjects = {folder: FiledEntries(**filed) for folder, filed in raw["subjects"].items()}
        mark = VerifiedMark(**{**raw, "subjects": subjects})
        if mark.payload() != envelope.content or datetime.fromisoformat(mark.at).tzinfo is None:
            raise ValueError("it is not canonical")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedEnvelopeError(f"it is no mark of a verified log: {error!r}") from error
    return mark
