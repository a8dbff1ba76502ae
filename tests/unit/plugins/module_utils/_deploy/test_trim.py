# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import trim
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.decisions import (
    releases_with_traffic,
    rollback_target,
)
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.retention import (
    prunable,
    retained,
    retained_deploys,
)
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError

TRAFFIC_SERVICES = ["was-blue", "was-green"]


def record(number, outcome="deployed", release=None, rollback=False, brought=True, **images):
    """The record of deploy d``number``, by default of release v``number`` with an image of its own."""
    images = images or {"was_blue": f"w{number}"}
    return {
        "release": release or f"v{number}",
        "deploy": f"d{number}",
        "config_hash": f"c{number}",
        "images": {
            service.replace("_", "-"): {"ref": f"shop:{name}", "id": f"sha256:{name}", "brought": brought}
            for service, name in images.items()
        },
        "outcome": outcome,
        "rollback": rollback,
    }


def back_to(number):
    return record(number, rollback=True)


def again(number, of):
    """The release of another record, deployed again with the same content."""
    return dict(record(of), deploy=f"d{number}")


def trimmed(releases, keep=2, here=()):
    """Return what is kept, as "deploy outcome"."""
    kept = trim.trimmed_releases(releases, keep, {f"sha256:{name}" for name in here})
    return ["{deploy} {outcome}".format(**each) for each in kept]


@pytest.fixture
def one_recent(monkeypatch):
    monkeypatch.setattr(trim, "RECENT", 1)


@pytest.mark.parametrize(
    "releases, keep, here, expected",
    [
        ([], 2, [], []),
        ([record(1)], 2, [], ["d1 deployed"]),
        ([record(1), record(2), record(3)], 2, [], ["d2 deployed", "d3 deployed"]),
        ([record(1), record(2), record(3)], 0, [], ["d2 deployed", "d3 deployed"]),  # the way back stays
        ([record(1), record(2), record(3)], 3, [], ["d1 deployed", "d2 deployed", "d3 deployed"]),
        # Runs that came to nothing
        (
            [record(1), record(2, "rejected"), record(3, "rolled_back"), record(4), record(5, "rejected")],
            2,
            [],
            ["d1 deployed", "d4 deployed", "d5 rejected"],
        ),
        (
            [record(1), record(2, "awaiting_promotion"), record(2), record(3, "awaiting_promotion")],
            2,
            [],
            ["d1 deployed", "d2 deployed", "d3 awaiting_promotion"],
        ),
        # What was rolled back from is retained, and no rollback goes there by itself.
        ([record(1), record(2), back_to(1)], 2, [], ["d1 deployed", "d2 deployed", "d1 deployed"]),
        (
            [record(1), record(2), back_to(1), record(3), back_to(1), record(4)],
            2,
            [],
            ["d1 deployed", "d4 deployed"],
        ),
        (
            [record(1), record(2), back_to(1), record(3), back_to(1)],
            2,
            [],
            ["d1 deployed", "d3 deployed", "d1 deployed"],
        ),
        # The same release over and over
        ([record(1), record(2), *(again(number, 2) for number in range(3, 9))], 2, [], ["d1 deployed", "d8 deployed"]),
        # Images that are still here
        ([record(1), record(2), record(3)], 2, ["w1"], ["d1 forgotten", "d2 deployed", "d3 deployed"]),
        ([record(1, "rejected"), record(2), record(3)], 2, ["w1"], ["d1 rejected", "d2 deployed", "d3 deployed"]),
        (
            [record(1, was_blue="w", cache="c"), record(2, was_blue="w", cache="c"), record(3), record(4)],
            2,
            ["w", "c"],
            ["d2 forgotten", "d3 deployed", "d4 deployed"],
        ),
        # The first of them pulled it, which makes it this app's own.
        (
            [record(1, cache="c"), *(record(number, cache="c", brought=False) for number in (2, 3, 4))],
            2,
            ["c"],
            ["d1 forgotten", "d3 deployed", "d4 deployed"],
        ),
    ],
)
def test_what_is_kept(one_recent, releases, keep, here, expected):
    assert trimmed(releases, keep, here) == expected


def test_the_newest_are_kept_whatever_they_are_of():
    releases = [record(number, "rejected") for number in range(1, 100)]
    assert trimmed(releases) == [f"d{number} rejected" for number in range(80, 100)]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["deploy", "again", "rejected", "awaiting_promotion", "back", "named"]),
        st.integers(0, 4),
    ),
    max_size=40,
)


def run(releases, steps, first):
    """Add the records of further runs; each rollback goes where decisions.py has it go."""
    releases = list(releases)
    for number, (step, which) in enumerate(steps, first):
        if step in ("back", "named"):
            try:
                target = rollback_target("shop", releases, f"v{which}" if step == "named" else None)
            except PlanError:
                continue
            if target["deploy"] != releases_with_traffic(releases)[-1]["deploy"]:
                releases.append(dict(target, rollback=True))
        elif step == "again":
            releases.append(again(number, which))
        else:
            outcome = step if step != "deploy" else "deployed"
            releases.append(record(number, outcome, release=f"v{which}", brought=which % 2 == 0))
    return releases


def answers(releases, keep, here):
    """What decisions.py and retention.py say of these records, and so what later runs do."""
    protected = {image["id"] for each in releases_with_traffic(releases)[-2:] for image in each["images"].values()}
    return {
        "ways back": [each["deploy"] for each in releases_with_traffic(releases)][-max(keep, 2) :],
        "retained": retained(releases, keep),
        "deploys": retained_deploys(releases, keep),
        "prunable": {
            each["id"] for each in prunable(releases, keep, protected, set(), TRAFFIC_SERVICES) if each["id"] in here
        },
        "newest": releases[-1:],
    }


@settings(max_examples=400)
@given(STEPS, st.integers(1, 4), st.integers(1, 6), st.sets(st.integers(0, 40)))
def test_no_decision_changes(steps, keep, recent, here):
    here = {f"sha256:w{number}" for number in here}
    releases = run([], steps, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trim, "RECENT", recent)
        kept = trim.trimmed_releases(releases, keep, here)
        assert trim.trimmed_releases(kept, keep, here) == kept
    assert answers(kept, keep, here) == answers(releases, keep, here)
    # Nothing that was rolled back from lies below them.
    ways_back = releases_with_traffic(kept)
    assert ways_back == releases_with_traffic(releases)[-len(ways_back) :]


@pytest.mark.parametrize("broken", [True, False])
def test_thousands_of_records(broken):
    """Each second release is broken and rolled back from, or each serves until the next one."""
    releases = []
    for number in range(4000):
        releases.append(record(number))
        if broken and number % 2:
            releases.append(back_to(number - 1))
    here = {f"sha256:w{number}" for number in (7, 3996, 3997, 3998, 3999)}
    kept = trim.trimmed_releases(releases, 3, here)
    assert len(kept) <= trim.RECENT + 3
    assert answers(kept, 3, here) == answers(releases, 3, here)


def migration(number):
    return {"release": f"v{number}", "image": f"sha256:w{number}", "command": "migrate", "at": "2026-01-31T23:59:59Z"}


def test_which_migrations_are_kept():
    every = [migration(number) for number in range(1000)]
    kept = trim.trimmed_migrations(every, [record(5)], {"sha256:w7"})
    assert kept == [every[5], every[7], *every[900:]]
    assert trim.trimmed_migrations(every[:100], [], set()) == every[:100]
    assert trim.trimmed_migrations([], [record(5)], set()) == []


def test_the_policies_of_containers_that_exist_are_kept():
    assert trim.trimmed_policies({"a": 1, "b": 2}, {"b", "c"}) == {"b": 2}
