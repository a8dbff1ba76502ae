# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import reload

HUP, CHLD, QUIT = 0x1, 0x10000, 0x4


@pytest.mark.parametrize(
    "state, blocked, pending, idle",
    [
        ("S (sleeping)", 0, 0, True),
        ("S (sleeping)", QUIT, 0, True),
        ("S (sleeping)", HUP, 0, False),  # reads its configuration
        ("S (sleeping)", 0, HUP, False),  # is about to wake up
        ("S (sleeping)", CHLD, 0, False),
        ("S (sleeping)", 0, CHLD, False),  # is about to replace a worker process
        ("R (running)", 0, 0, False),  # between its two signal masks
        ("D (disk sleep)", 0, 0, False),
        ("T (stopped)", 0, 0, False),
        ("Z (zombie)", 0, 0, False),
    ],
)
def test_whether_the_master_process_is_idle(state, blocked, pending, idle):
    status = {"State": state, "SigBlk": f"{blocked:016x}", "ShdPnd": f"{pending:016x}"}
    assert reload.is_idle(status) is idle


def test_a_process_that_is_gone_is_not_idle():
    assert not reload.is_idle({})


@pytest.mark.parametrize(
    "status, expected",
    [
        ({"State": "T (stopped)"}, "nginx's master process 7 is stopped (continue it: kill -CONT 7)"),
        ({"State": "R (running)"}, "nginx's master process 7 is busy (its state is R (running))"),
        ({}, "nginx's master process 7 is busy (its state is gone)"),
    ],
)
def test_what_a_busy_master_process_does(status, expected):
    assert reload.describe_master(7, status) == expected


def look(*workers):
    """``10``: a worker process; ``-10``: one that is leaving."""
    return {(abs(pid), 100): pid < 0 for pid in workers}


TWO = look(10, 11)
LOADED, REFUSED, OPEN = (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    "before, looks, expected",
    [
        (TWO, [TWO], REFUSED),
        (TWO, [look(10, 11, 20, 21), look(10, 11, 20, 21)], OPEN),  # they are still to be told
        (TWO, [look(10, 11, 20, 21), look(-10, -11, 20, 21)], LOADED),
        (TWO, [look(10, 11, 20, 21), look(10, 11, 20, 21), look(20, 21)], LOADED),
        (TWO, [look(10, 11, 20, 21), look(10, -11, 20, 21), look(10, 20, 21)], OPEN),
        (TWO, [look(10, 11, 20), look(10, 11, 20), look(20)], LOADED),  # worker_processes 1 from now on
        (TWO, [look(20, 21), look(20, 21)], OPEN),  # nobody saw them beside the others
        (TWO, [look(11, 20), look(11, 20)], OPEN),  # a successor of the one that crashed
        (TWO, [look(10, 11, 20), look(11, 20), look(11, 20)], OPEN),  # one look at both is no moment
        (TWO, [look(11, 20), look(11, 20), look(11, 20, 30, 31), look(-11, 20, 30, 31)], OPEN),  # 20 is yet to be told
        (TWO, [look(11, 20), look(20), look(20, 21), look(20, 21)], OPEN),  # both crashed
        (look(10), [look(20), look(20)], OPEN),  # the only one crashed
        (look(10), [look(10, 20), look(10, 20), look(-10, 20)], LOADED),
        (look(10, -9), [look(10, -9), look(10, -9)], REFUSED),  # of an earlier reload
        (look(10, -9), [look(10, -9, 20), look(10, -9, 20), look(-10, -9, 20)], LOADED),
        (TWO, [look(10, 11, 20, 21), look(10, 11, 20, 21), look(-10, -11, -20, -21, 30, 31)], LOADED),  # another's HUP
    ],
)
def test_what_looks_prove(before, looks, expected):
    proof = reload.ReloadProof(before)
    for workers in looks:
        proof.see(workers)
    assert (proof.is_loaded, proof.is_refused) == expected
