"""The shop's HTTP application, a small one: what it is for is to be replaced while it is busy.

GET /                 JSON: release, color, hostname, and how many requests this process has answered
POST /orders          reads the whole body and answers its size and SHA-256
GET /slow?seconds=3   answers after that long (60 s at most)
GET /health-check     200, or 503 in an image built with HEALTH=never

Every answer says in X-Release which release gave it. On SIGTERM it takes no new connections, ends the requests in
flight and exits 0.
"""

import asyncio
import hashlib
import os
import socket

from aiohttp import web

BUILT_AS = os.environ.get("SHOP_BUILT_AS", "unknown")
RELEASE = os.environ.get("BLUEGREEN_RELEASE") or BUILT_AS
COLOR = os.environ.get("BLUEGREEN_COLOR", "")
HEALTHY = os.environ.get("SHOP_HEALTH", "ok") != "never"
STOP_SECONDS = 8  # for requests in flight; shorter than the stop_grace_period of the Compose files

answered = 0


async def home(request):
    return web.json_response(
        {
            "app": "shop-was",
            "release": RELEASE,
            "built_as": BUILT_AS,
            "color": COLOR,
            "hostname": socket.gethostname(),
            "counter": answered,
        }
    )


async def order(request):
    body = await request.read()
    return web.json_response({"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}, status=201)


async def slow(request):
    try:
        seconds = min(max(float(request.query.get("seconds", "3")), 0.0), 60.0)
    except ValueError:
        raise web.HTTPBadRequest(text="seconds must be a number\n") from None
    await asyncio.sleep(seconds)
    return web.json_response({"slept": seconds, "release": RELEASE})


async def health_check(request):
    if HEALTHY:
        return web.Response(text="ok\n")
    return web.Response(status=503, text=f"shop-was {RELEASE} was built never to become healthy (HEALTH=never)\n")


async def sign(request, response):
    global answered
    answered += 1
    response.headers["X-Release"] = RELEASE
    response.headers["X-Color"] = COLOR


app = web.Application(client_max_size=10 * 1024 * 1024)
app.on_response_prepare.append(sign)
app.add_routes(
    [
        web.get("/", home),
        web.post("/orders", order),
        web.get("/slow", slow),
        web.get("/health-check", health_check),
    ]
)

if __name__ == "__main__":
    # Idle connections are kept for longer than nginx keeps them (60 s): it never sends into one that we close.
    web.run_app(app, port=3000, access_log=None, shutdown_timeout=STOP_SECONDS, keepalive_timeout=75)
