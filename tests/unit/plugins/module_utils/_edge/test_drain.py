# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import drain

OLD, NEW = (1, 26, 3), (1, 30, 6)


@pytest.mark.parametrize(
    "workers, connections, since_proof, version, done",
    [
        (0, 0, 0.1, NEW, True),
        (0, 3, 0.1, NEW, True),  # none of the old configuration's: what is open there is not the swap's doing
        (1, 0, 4.9, NEW, False),
        (1, 0, 5.0, NEW, True),
        (1, 1, 60.0, NEW, False),
        (1, 0, 0.0, OLD, True),
        (1, 1, 60.0, OLD, False),
    ],
)
def test_drained(workers, connections, since_proof, version, done):
    assert drain.is_drained(workers, connections, since_proof, version) is done


@pytest.mark.parametrize("proved", [-6, 0, 3600])
def test_drained_when_the_patience_is_over_whatever_the_clock_says(monkeypatch, proved):
    """The old workers stay, of a neighbour's WebSockets; the clock is where it was, or an hour back."""
    workers = {(10, 100): False, (11, 100): False}
    edge = SimpleNamespace(version=lambda: NEW, established=lambda _endpoints: 0, workers=lambda: workers)
    monkeypatch.setattr(drain, "_POLL", 0.01)
    monkeypatch.setattr(drain, "KEEPALIVE_MIN_TIMEOUT", 0.05)
    began = time.time() + proved
    drained, connections, waited = drain.wait_until_drained(edge, ["10.0.0.2:3000"], sorted(workers), began, 5)
    assert (drained, connections) == (True, 0)
    assert waited < 1 and (waited >= 0.05 or proved < 0)


def test_a_drain_ends_with_its_timeout_and_shows_what_it_waits_for(monkeypatch):
    monkeypatch.setattr(drain, "_POLL", 0.01)
    workers, shown = {(10, 100): False}, []
    edge = SimpleNamespace(version=lambda: NEW, established=lambda _endpoints: 2, workers=lambda: workers)
    found = drain.wait_until_drained(
        edge, ["10.0.0.2:3000"], sorted(workers), time.time(), 0.05, lambda awaits, left: shown.append((awaits, left))
    )
    assert found[:2] == (False, 2) and found[2] >= 0.05
    assert {awaits for awaits, _left in shown} == {"nginx has connections open to the old color (2)"}
    assert all(0 < left <= 0.05 for _awaits, left in shown)
