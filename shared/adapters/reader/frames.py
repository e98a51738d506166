"""What the app and its reader process say to each other over a socket: a line of JSON, and bytes that belong to it.

The app is trusted and may send pickles of its own classes; the reader has met bytes that nobody trusts, so what comes
from it is JSON and plain bytes, bounded in length.
"""

import json
import socket
import struct
from typing import Any

_HEAD = struct.Struct("!IQ")
LONGEST_TEXT = 64 * 1024 * 1024
LONGEST_DATA = 2 * 1024 * 1024 * 1024

Frame = tuple[dict[str, Any], bytes]


class ClosedConnection(Exception):
    """The other side has closed the connection."""


class BadFrame(Exception):
    """The other side sent bytes that are not a frame."""


def send(connection: socket.socket, message: dict[str, Any], data: bytes | memoryview = b"") -> None:
    """Raises ClosedConnection."""
    text = json.dumps(message).encode()
    try:
        connection.sendall(_HEAD.pack(len(text), len(data)) + text)
        if data:
            connection.sendall(data)
    except (BrokenPipeError, ConnectionResetError) as error:
        raise ClosedConnection from error


def receive(connection: socket.socket) -> Frame:
    """The next frame. Raises ClosedConnection and BadFrame."""
    text_length, data_length = _HEAD.unpack(_exactly(connection, _HEAD.size))
    if text_length > LONGEST_TEXT or data_length > LONGEST_DATA:
        raise BadFrame(f"a frame of {text_length} and {data_length} bytes")
    text, data = _exactly(connection, text_length), _exactly(connection, data_length)
    try:
        message = json.loads(bytes(text))
    except (ValueError, RecursionError) as error:
        raise BadFrame(str(error)) from error
    if not isinstance(message, dict):
        raise BadFrame("a frame whose text is no object")
    return message, data


def _exactly(connection: socket.socket, length: int) -> bytes:
    content = bytearray(length)
    with memoryview(content) as view:
        _fill(connection, view)
    return content  # type: ignore[return-value]


def _fill(connection: socket.socket, buffer: memoryview) -> None:
    position = 0
    while position < len(buffer):
        try:
            count = connection.recv_into(buffer[position:])
        except ConnectionResetError as error:
            raise ClosedConnection from error
        if not count:
            raise ClosedConnection
        position += count
