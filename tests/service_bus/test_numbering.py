"""Deliveries get the numbers that are due, and dispositions name those that the client knows."""

import struct

from signalbox.emulators.service_bus.numbering import Numbering

TRUE, FALSE, NULL = b"\x56\x01", b"\x42", b"\x40"


def frame(performative: int, *values: bytes, payload: bytes = b"", channel: int = 1) -> bytes:
    content = b"".join(values)
    fields = b"\xc0" + bytes((len(content) + 1, len(values))) + content
    body = b"\x02\x00" + struct.pack(">H", channel) + b"\x00\x53" + bytes((performative,)) + fields + payload
    return struct.pack(">I", len(body) + 4) + body


def small(number: int) -> bytes:
    return b"\x52" + bytes((number,)) if number else b"\x43"


def long(number: int) -> bytes:
    return b"\x70" + struct.pack(">I", number)


def transfer(number: int, payload: bytes = b"x", link: int = 0, more: bytes = FALSE, channel: int = 1) -> bytes:
    values = (small(link), small(number), b"\xa0\x01t", NULL, FALSE, more)
    return frame(0x14, *values, payload=payload, channel=channel)


def numbers(data: bytes) -> list[int]:
    """The delivery numbers of the transfers in *data*, whose payload is one byte."""
    found = []
    while data:
        size = struct.unpack_from(">I", data)[0]
        start = 8 + 3 + (9 if data[11] == 0xD0 else 3)
        value = data[start + (2 if data[start] == 0x52 else 1) :]
        width = {0x43: 0, 0x52: 1, 0x70: 4}[value[0]]
        found.append(int.from_bytes(value[1 : 1 + width], "big"))
        assert data[size - 1 : size] == b"x"
        data = data[size:]
    return found


def test_a_number_that_comes_twice_or_late_is_the_one_that_is_due() -> None:
    numbering = Numbering()

    sent = b"".join(transfer(number) for number in (3, 3, 6, 5, 7))

    assert numbers(numbering.incoming(sent)) == [3, 4, 5, 6, 7]
    assert numbers(numbering.incoming(transfer(9, channel=2))) == [9], "each session counts its own"


def test_what_is_in_order_goes_through_byte_for_byte_in_whatever_pieces() -> None:
    numbering = Numbering()
    parts = [transfer(0, more=TRUE), transfer(0, more=TRUE), transfer(1, link=1), transfer(0), transfer(2)]
    sent = b"AMQP\x00\x01\x00\x00" + b"".join(parts)

    passed = b"".join(numbering.incoming(sent[at : at + 7]) for at in range(0, len(sent), 7))

    assert passed == sent
    assert Numbering().incoming(b"GET / HTTP/1.1\r\n\r\n") == b"GET / HTTP/1.1\r\n\r\n"


def test_a_disposition_names_the_number_that_the_client_knows() -> None:
    numbering = Numbering()
    numbering.incoming(b"".join(transfer(number) for number in (1, 3, 2)))
    accepted = b"\x00\x53\x24\x45"

    told = numbering.outgoing(frame(0x15, TRUE, small(1), small(3), TRUE, accepted))

    singles = [(TRUE, long(number), long(number), TRUE, accepted) for number in (1, 3, 2)]
    content = [b"".join(values) for values in singles]
    assert all(part in told for part in content)
    assert [told.index(part) for part in content] == sorted(told.index(part) for part in content)
    own = frame(0x15, FALSE, small(1), small(3), TRUE, accepted)
    assert numbering.outgoing(own) == own, "the client's own deliveries are numbered by the service"
