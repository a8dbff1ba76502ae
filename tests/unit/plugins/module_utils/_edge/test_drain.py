# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import drain

OLD, NEW = (1, 26, 3), (1, 30, 6)
WORKERS, ENDPOINTS = {(10, 100): False}, ["10.0.0.2:3000"]


class StandInEdge:
    """An nginx with one worker process of before."""

    def __init__(self, version=NEW, connections=0, receiving=False, dump="http { server { } }"):
        self._version, self._connections, self._receiving, self._dump = version, connections, receiving, dump
        self.dumps = self.looks = 0

    def version(self):
        return self._version

    def dump(self):
        self.dumps += 1
        return bool(self._dump), self._dump

    def may_receive_requests(self, workers):
        assert workers == set(WORKERS)
        return self._receiving

    def established(self, endpoints):
        self.looks += 1
        assert endpoints == ENDPOINTS
        return self._connections


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(drain, "_POLL", 0.01)
    monkeypatch.setattr(drain, "still_running", lambda workers: workers)
    monkeypatch.setattr(drain, "KEEPALIVE_MIN_TIMEOUT", 0.05)


@pytest.mark.parametrize(
    "workers, receiving, connections, is_late, done",
    [
        (0, False, 0, False, True),
        (0, False, 3, False, True),  # none of the old configuration's: what is open there is not the swap's doing
        (1, False, 0, False, False),
        (1, False, 0, True, True),
        (1, True, 0, True, False),
        (1, False, 1, True, False),
    ],
)
def test_drained(workers, receiving, connections, is_late, done):
    assert drain.is_drained(workers, receiving, connections, is_late) is done


# The target may have been restarted since the proof: its monotonic clock begins anew.
@pytest.mark.parametrize(
    "version, proved, at_once", [(NEW, -6, True), (NEW, 0, False), (NEW, 3600, False), (OLD, 0, True)]
)
def test_an_idle_client_may_come_back_for_a_while(version, proved, at_once):
    edge = StandInEdge(version)
    drained, connections, waited = drain.wait_until_drained(edge, ENDPOINTS, WORKERS, time.monotonic() + proved, 5)
    assert (drained, connections) == (True, 0)
    assert waited < 5 and (edge.looks == drain.LOOKS) is at_once
    assert edge.dumps == 1


@pytest.mark.parametrize(
    "edge, left, awaits",
    [
        (StandInEdge(connections=2), 2, "nginx has connections open to the idle color (2)"),
        (StandInEdge(receiving=True), 0, "nginx may be receiving requests for the idle color"),
        (StandInEdge(dump="http { server { http2 on; } }"), 0, "nginx may be receiving requests for the idle color"),
        (StandInEdge(dump=""), 0, "nginx may be receiving requests for the idle color"),
    ],
)
def test_a_drain_ends_with_its_timeout_and_shows_what_it_waits_for(edge, left, awaits):
    shown = []
    found = drain.wait_until_drained(
        edge, ENDPOINTS, WORKERS, time.monotonic(), 0.2, lambda text, seconds: shown.append((text, seconds))
    )
    assert found[:2] == (False, left) and found[2] >= 0.2
    assert {text for text, _seconds in shown} == {awaits}
    assert all(0 < seconds <= 0.2 for _text, seconds in shown)


@pytest.mark.parametrize(
    "connections, expected",
    [
        (3, "3 connections to the idle color were still open after 30 s (bluegreen_drain_timeout); they are cut"),
        (0, "nginx may still have been receiving requests for the idle color after 30 s (bluegreen_drain_timeout); "),
    ],
)
def test_what_is_said_of_what_is_cut(connections, expected):
    assert drain.cut_warning(connections, 30).startswith(expected)
