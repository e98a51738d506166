"""AMQP over WebSocket, as `TransportType.AmqpOverWebsocket` speaks it, carried to the port that takes it over TCP.

It stands alone, because it is the one protocol here that is not HTTP.
"""

import asyncio

from aiohttp import WSMsgType, web

_CHUNK = 64 * 1024
_LARGEST_MESSAGE = 4 * 1024**2


async def bridge(request: web.Request, port: int) -> web.StreamResponse:
    """Carry bytes both ways until either side closes. Anything but the WebSocket of AMQP is answered with 501."""
    socket = web.WebSocketResponse(protocols=("AMQPWSB10",), max_msg_size=_LARGEST_MESSAGE)
    if not socket.can_prepare(request).ok:
        message = "The local namespace speaks AMQP over WebSocket here, and upgrades to nothing else."
        return web.json_response({"error": {"code": "NotImplemented", "message": message}}, status=501)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        message = "Service Bus does not run: docs/service-bus.md says what it needs."
        return web.json_response({"error": {"code": "NotImplemented", "message": message}}, status=501)
    await socket.prepare(request)
    outward = asyncio.create_task(_send(reader, socket))
    try:
        async for message_ in socket:
            if message_.type is not WSMsgType.BINARY:
                break
            writer.write(message_.data)
            await writer.drain()
    finally:
        outward.cancel()
        await asyncio.gather(outward, return_exceptions=True)
        writer.close()
        await socket.close()
    return socket


async def _send(reader: asyncio.StreamReader, socket: web.WebSocketResponse) -> None:
    while chunk := await reader.read(_CHUNK):
        await socket.send_bytes(chunk)
    await socket.close()
