"""Delivery numbers of a client whose threads share one session: Azure takes them as they come, Proton in order alone.

The Python client reads and counts its next number without a lock, so two transfers may have one number, or come in the
wrong order. Each gets the number that is due, and dispositions name the number that the client knows.
"""

import struct
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

_TRANSFER, _DISPOSITION = b"\x00\x53\x14", b"\x00\x53\x15"
_HEADER = 8
_TRUE = (b"\x41", b"\x56\x01")
_PROTOCOL = b"AMQP"
_LARGEST_FRAME = 2**20
_FIXED_SIZES = {0x4: 0, 0x5: 1, 0x6: 2, 0x7: 4, 0x8: 8, 0x9: 16}  # By the first half of a value's code; others say it.


@dataclass(slots=True)
class _Session:
    """*due* is the number of the next delivery, None before the first; *open* has those whose frames go on, by link."""

    due: int | None = None
    open: dict[bytes, int] = field(default_factory=dict)
    known: dict[int, int] = field(default_factory=dict)  # Numbers of the client by those that were given instead.


class Numbering:
    """Bytes of one connection in both directions; what is no whole frame yet is kept back."""

    def __init__(self) -> None:
        self._incoming, self._outgoing = b"", b""
        self._sessions: dict[int, _Session] = defaultdict(_Session)

    def incoming(self, data: bytes) -> bytes:
        frames, self._incoming = _split(self._incoming + data)
        return b"".join(self._numbered(frame) for frame in frames)

    def outgoing(self, data: bytes) -> bytes:
        frames, self._outgoing = _split(self._outgoing + data)
        return b"".join(part for frame in frames for part in self._told(frame))

    def _numbered(self, frame: bytes) -> bytes:
        if frame[_HEADER : _HEADER + 3] != _TRANSFER:
            return frame
        values = _values(frame)
        session, link, given = self._sessions[_channel(frame)], values[0], _number(values[1])
        goes_on = len(values) > 5 and values[5] in _TRUE
        if link in session.open:
            number = session.open[link]
        else:
            number = given if session.due is None else session.due
            session.due = (number + 1) % 2**32
            if number != given:
                session.known[number] = given
        if goes_on:
            session.open[link] = number
        else:
            session.open.pop(link, None)
        return frame if number == given else _rebuilt(frame, values, {1: number})

    def _told(self, frame: bytes) -> Iterator[bytes]:
        known = self._sessions[_channel(frame)].known if frame[_HEADER : _HEADER + 3] == _DISPOSITION else {}
        if not known:
            yield frame
            return
        values = _values(frame)
        first = _number(values[1])
        last = first if len(values) < 3 or values[2] == b"\x40" else _number(values[2])
        if values[0] not in _TRUE or not any(first <= number <= last for number in known):
            yield frame
            return
        for number in range(first, last + 1):
            own = known.pop(number, number)
            yield _rebuilt(frame, values, {1: own, 2: own})


def _split(data: bytes) -> tuple[list[bytes], bytes]:
    """The whole frames and protocol headers in *data*, and what is left. What is no AMQP is one frame, for Proton."""
    frames, at = list[bytes](), 0
    while len(data) - at >= _HEADER:
        is_header = data[at : at + 4] == _PROTOCOL
        size = _HEADER if is_header else struct.unpack_from(">I", data, at)[0]
        if not _HEADER <= size <= _LARGEST_FRAME:
            return [*frames, data[at:]], b""
        if len(data) - at < size:
            break
        frames.append(data[at : at + size])
        at += size
    return frames, data[at:]


def _channel(frame: bytes) -> int:
    return int.from_bytes(frame[6:8], "big")


def _bounds(frame: bytes) -> tuple[int, int, int]:
    """Where the list of a performative begins, where its first value lies, and how many there are."""
    start = _HEADER + 3
    code = frame[start]
    if code == 0x45:
        return start, start + 1, 0
    if code == 0xC0:
        return start, start + 3, frame[start + 2]
    return start, start + 9, int.from_bytes(frame[start + 5 : start + 9], "big")


def _values(frame: bytes) -> list[bytes]:
    """The encoded values of a performative."""
    _, at, count = _bounds(frame)
    values = []
    for _ in range(count):
        end = _end(frame, at)
        values.append(frame[at:end])
        at = end
    return values


def _end(frame: bytes, at: int) -> int:
    code = frame[at]
    if code == 0x00:  # A described value: its descriptor, and the value.
        return _end(frame, _end(frame, at + 1))
    width = code >> 4
    if width in _FIXED_SIZES:
        return at + 1 + _FIXED_SIZES[width]
    if width in (0xA, 0xC, 0xE):
        return at + 2 + frame[at + 1]
    return at + 5 + int.from_bytes(frame[at + 1 : at + 5], "big")


def _number(value: bytes) -> int:
    return int.from_bytes(value[1:], "big")  # Zero has no bytes of its own.


def _rebuilt(frame: bytes, values: list[bytes], changes: dict[int, int]) -> bytes:
    """The *frame* with other numbers at these places, and with the payload that follows its list."""
    start, at, _ = _bounds(frame)
    payload = frame[at + sum(map(len, values)) :]
    changed = [
        b"\x70" + struct.pack(">I", changes[place]) if place in changes else value for place, value in enumerate(values)
    ]
    content = b"".join(changed)
    fields = b"\xd0" + struct.pack(">II", len(content) + 4, len(values)) + content
    body = frame[4:start] + fields + payload
    return struct.pack(">I", len(body) + 4) + body
