# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the journal keeps: all that a decision can still use, and a limited number of other records. Pure.

The history has the other runs (see _state/history.py).
"""

from __future__ import annotations

from .._state.journal import FORGOTTEN
from .decisions import content_of, releases_with_traffic
from .retention import ALWAYS_RETAINED, names_of, retained

RECENT = 20
"""Records that are always kept, as many as people look at."""

RECENT_MIGRATIONS = 100


def trimmed_releases(releases, keep, images_here):
    """Return the records that are kept, oldest first.

    ``releases``: the journal's; ``keep``: how many releases are retained; ``images_here``: ids of all images on the
    host. Every result of decisions.py and retention.py about the ``keep`` newest releases stays the same. A record of
    an older release whose images still exist, for example because they are in use, stays as FORGOTTEN, so that they can
    be pruned later.
    """
    recent = max(len(releases) - RECENT, 0)
    start = _first_needed(releases, max(keep, ALWAYS_RETAINED), recent)
    kept, uses = [], set()
    for index in range(len(releases) - 1, -1, -1):
        record = releases[index]
        held = record["outcome"] in ("deployed", FORGOTTEN)
        new_uses = {
            (service, image["id"], *names_of(image), image["brought"], held)
            for service, image in record["images"].items()
            if image["id"] in images_here
        } - uses
        way_back = index >= start and record["outcome"] == "deployed" and not _is_replaced(releases, index)
        if not (index >= recent or way_back or new_uses):
            continue
        uses |= new_uses
        forgotten = index < start and record["outcome"] == "deployed"
        kept.append(dict(record, outcome=FORGOTTEN) if forgotten else record)
    return kept[::-1]


def trimmed_migrations(migrations, releases, images_here):
    """Return the migrations that are kept: those of recorded or existing images, and the newest ones.

    If the image of another migration is deployed again, that migration runs again. ``releases``: the records that are
    kept.
    """
    images = images_here | {image["id"] for record in releases for image in record["images"].values()}
    recent = len(migrations) - RECENT_MIGRATIONS
    return [each for index, each in enumerate(migrations) if index >= recent or each["image"] in images]


def trimmed_policies(policies, containers):
    """Return the restart policies of the existing containers. ``containers``: the ids of all on the host."""
    return {container: policy for container, policy in policies.items() if container in containers}


def _first_needed(releases, keep, latest):
    """Return the index, at most ``latest``, from which the records have the ``keep`` newest releases and the same ways
    back."""
    ways_back = releases_with_traffic(releases)
    wanted, needed = retained(releases, keep), ways_back[-keep:]
    older = [index for index in range(latest) if releases[index]["outcome"] == "deployed"]
    for start in [latest, *reversed(older)]:
        if start != latest and _is_replaced(releases, start):
            continue
        records = releases[start:]
        found = releases_with_traffic(records)
        # No release that a rollback left may return, because the rollback's own record is not enough.
        same = len(found) >= len(needed) and found == ways_back[len(ways_back) - len(found) :]
        if same and retained(records, keep) == wanted:
            return start
    return 0


def _is_replaced(releases, index):
    """Return whether the next record of a release that had the traffic is of the same release, deployed again."""
    later = next((each for each in releases[index + 1 :] if each["outcome"] == "deployed"), None)
    return (
        later is not None
        and not releases[index].get("rollback")
        and not later.get("rollback")
        and content_of(later) == content_of(releases[index])
    )
