# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""In short what `make bench-swap` does at length: a client that never retries sees nothing of a swap."""

from __future__ import annotations

import datetime

CLIENTS = ["--get=16", "--post=8", "--fresh=4", "--slow=2", "--slow-seconds=3", "--websocket=2", "--think-ms=25"]
BEFORE_RETIRE = ("detect", "prepare", "start", "gate", "swap", "drain")


def vhost(site):
    locations = [{"path": "/", "service": "web-{color}"}, {"path": "/ws", "service": "web-{color}", "websocket": True}]
    return {"server_names": [site.host], "locations": locations}


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def test_swap_under_load_drops_nothing(site):
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    for release in ("v1", "v2"):
        site.image(release)
    site.deploy("v1", vhost=vhost(site)).succeeded()
    with site.load(*CLIENTS) as load:
        began = now()
        run = site.deploy("v2", vhost=vhost(site), drain_timeout=7).succeeded()
        ended = now()
    phases = run.result["phases"]
    assert phases["drain"] > 6.9  # the WebSockets hold it to its end
    retiring = began + datetime.timedelta(seconds=sum(phases.get(name, 0) for name in BEFORE_RETIRE))
    load.lost_nothing()
    kinds = load.report["kinds"]
    assert {name: kind["dropped"] for name, kind in kinds.items()} == dict.fromkeys(kinds, 0)
    assert load.releases == {"v1", "v2"}
    cuts = [datetime.datetime.fromisoformat(cut["at"].replace("Z", "+00:00")) for cut in kinds["websocket"]["cut"]]
    assert len(cuts) == 2
    for cut in cuts:
        assert retiring <= cut <= ended, (retiring, cuts)
