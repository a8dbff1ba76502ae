# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.plugin_utils._progress_narrator import Narrator, prefix


def line(says=None, awaits=None, left=None):
    return {"at": 0.0, "says": says, "awaits": awaits, "left": left}


# A case: what is waited for from the begin on; what is heard, by when (s since the begin); what is printed, by when. It
# is looked at every 4 s, and whenever there is something to hear.
CASES = {
    "nothing is ever heard": (None, {}, {8: "still waiting after 8 s", 16: "still waiting after 16 s"}),
    "nothing is heard of what is known": (
        "the images are pulled",
        {},
        {8: "still waiting after 8 s: the images are pulled", 16: "still waiting after 16 s: the images are pulled"},
    ),
    "an event puts the reminder off": (
        None,
        {3: [line("was: starting after 0.1 s")]},
        {3: "was: starting after 0.1 s", 12: "still waiting after 12 s", 20: "still waiting after 20 s"},
    ),
    "several events at once": (
        None,
        {3: [line("a"), line(None, "b"), line("c", "d", 60)]},
        {
            3: "a|c",
            12: "still waiting after 12 s, 51 s more at most: d",
            20: "still waiting after 20 s, 43 s more at most: d",
        },
    ),
    "what is waited for is no event": (
        "at first",
        {7: [line(None, "was is not healthy yet", 113)]},
        {
            8: "still waiting after 8 s, 112 s more at most: was is not healthy yet",
            16: "still waiting after 16 s, 104 s more at most: was is not healthy yet",
        },
    ),
    "an event that says nothing of it": (
        None,
        {1: [line(None, "was", 20)], 2: [line("signal: healthy", None)]},
        {
            2: "signal: healthy",
            12: "still waiting after 12 s, 9 s more at most: was",
            20: "still waiting after 20 s, 1 s more at most: was",
        },
    ),
    "it takes longer than it may": (
        None,
        {1: [line(None, "was", 2)]},
        {8: "still waiting after 8 s, 0 s more at most: was", 16: "still waiting after 16 s, 0 s more at most: was"},
    ),
    "a long one": (
        None,
        {1: [line(None, "x" * 400)], 9: [line("y")], 13: [line("z")]},
        {8: f"still waiting after 8 s: {'x' * 299}…", 9: "y", 13: "z"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_printed_when(case):
    awaits, heard, expected = CASES[case]
    narrator = Narrator(100.0, awaits)
    printed = {}
    for at in sorted({*range(0, 21, 4), *heard}):
        reminder_due = narrator.patience(100 + at) == 0 and not any(one["says"] for one in heard.get(at, []))
        texts = narrator.hear(100.0 + at, heard.get(at, []))
        reminder = narrator.remind(100.0 + at)
        assert bool(reminder) == reminder_due
        if texts or reminder:
            printed[at] = "|".join([*texts, *([reminder] if reminder else [])])
    assert printed == expected


def test_the_patience_ends_with_the_silence():
    narrator = Narrator(0.0)
    assert narrator.patience(4.0) == 4.0
    narrator.hear(4.0, [line("a")])
    assert narrator.patience(4.0) == 8.0
    assert narrator.remind(11.9) is None
    assert narrator.remind(12.0)
    assert narrator.patience(12.0) == 8.0


@pytest.mark.parametrize("hosts, expected", [(["web1"], ""), (["web1", "web2"], "[web1] ")])
def test_hosts_are_named_where_there_are_several(hosts, expected):
    assert prefix({"inventory_hostname": "web1", "ansible_play_hosts_all": hosts}) == expected
