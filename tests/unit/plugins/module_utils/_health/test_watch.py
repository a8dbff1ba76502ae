# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import threading
import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._health import watch
from ansible_collections.hotswap.compose.plugins.module_utils._health.watch import Watch, thin_out


@pytest.mark.parametrize(
    ("samples", "most", "left"),
    [
        ([], 3, []),
        ([1], 3, [1]),
        ([1, 2, 3], 3, [1, 2, 3]),
        ([1, 2, 3, 4], 3, [2, 4]),
        ([1, 2, 3, 4, 5, 6, 7], 3, [1, 4, 7]),
        (list(range(3600)), 2, [1799, 3599]),
    ],
)
def test_thinned(samples, most, left):
    assert thin_out(samples, most) == left


class Counter(Watch):
    about = "numbers"
    asked = 0

    def ask(self):
        self.asked += 1

    def counted(self):
        return self.asked, self.asked // 2


def test_series(monkeypatch):
    monkeypatch.setattr(watch, "ASK_EVERY", 0.01)
    with Counter() as baker:
        while baker.asked < 3:
            time.sleep(0.005)
    series = baker.series()
    assert [sample[1:] for sample in series[:3]] == [[1, 0], [2, 1], [3, 1]]
    assert series == sorted(series)
    assert series[-1][1] == baker.asked


class Slow(Watch):
    about = "the slow"

    def __init__(self):
        super().__init__()
        self.asked, self.answer = threading.Event(), threading.Event()

    def ask(self):
        self.asked.set()
        self.answer.wait()
        raise ValueError("no")

    def counted(self):
        return 0, 0

    def found(self):
        return None


def test_what_was_asked_last_is_heard():
    with Slow() as baker:
        baker.asked.wait()
        end = threading.Thread(target=baker.finish)
        end.start()
        end.join(0.1)
        assert end.is_alive() and baker.objection() is None
        baker.answer.set()
        end.join()
    assert baker.objection() == "the slow could not be checked: ValueError: no"
