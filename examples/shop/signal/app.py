"""The shop's signalling server: peers of a room exchange messages over WebSockets.

GET /ws?room=NAME     a WebSocket; {"type": "ping", …} comes back as {"type": "pong", …},
                      any other text goes to the other peers of the room
GET /health-check     200, or 503 in an image built with HEALTH=never

On SIGTERM it closes every WebSocket with 1001 (going away), as a well-behaved server does, and exits 0.
"""

import contextlib
import json
import os

from aiohttp import WSCloseCode, WSMsgType, web

RELEASE = os.environ.get("BLUEGREEN_RELEASE") or os.environ.get("SHOP_BUILT_AS", "unknown")
COLOR = os.environ.get("BLUEGREEN_COLOR", "")
HEALTHY = os.environ.get("SHOP_HEALTH", "ok") != "never"

rooms = {}  # name → set of the peers' WebSockets


def pong_for(text):
    """The answer to a ping, or None where the text is anything else."""
    try:
        message = json.loads(text)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.get("type") != "ping":
        return None
    return json.dumps(dict(message, type="pong", release=RELEASE, color=COLOR))


async def signalling(request):
    peer = web.WebSocketResponse(heartbeat=20, max_msg_size=64 * 1024)
    await peer.prepare(request)
    name = request.query.get("room", "lobby")
    room = rooms.setdefault(name, set())
    room.add(peer)
    try:
        async for message in peer:
            if message.type != WSMsgType.TEXT:
                continue
            pong = pong_for(message.data)
            if pong is not None:
                await peer.send_str(pong)
                continue
            for other in room - {peer}:
                with contextlib.suppress(ConnectionError):  # one that leaves is taken out by its own handler
                    await other.send_str(message.data)
    finally:
        room.discard(peer)
        if not room and rooms.get(name) is room:
            del rooms[name]
    return peer


async def health_check(request):
    if HEALTHY:
        return web.Response(text="ok\n")
    return web.Response(status=503, text=f"shop-signal {RELEASE} was built never to become healthy (HEALTH=never)\n")


async def sign(request, response):
    response.headers["X-Release"] = RELEASE
    response.headers["X-Color"] = COLOR


async def say_goodbye(app):
    for peer in [peer for room in rooms.values() for peer in room]:
        await peer.close(code=WSCloseCode.GOING_AWAY, message=b"this server is being replaced")


app = web.Application()
app.on_response_prepare.append(sign)
app.on_shutdown.append(say_goodbye)
app.add_routes([web.get("/ws", signalling), web.get("/health-check", health_check)])

if __name__ == "__main__":
    web.run_app(app, port=3001, access_log=None, shutdown_timeout=8)
