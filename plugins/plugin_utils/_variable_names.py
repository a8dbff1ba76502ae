# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables with the role's prefix that the role does not have: misspelled and other ones. Pure."""

from __future__ import annotations

PREFIX = "bluegreen_"

OF_THE_PLAYBOOKS = ("bluegreen_target",)

PUBLISHED = (
    "bluegreen_history",
    "bluegreen_hook",
    "bluegreen_result",
    "bluegreen_results",
    "bluegreen_status",
)
"""Names that the role itself sets: facts, the variable of hooks, and the custom stat, which AWX passes to later
jobs."""


def unknown_variables(names, options):
    """Return ``(problems, warnings)``, a sentence each, about variables that the role does not have.

    ``names``: of all variables; ``options``: of the role's, for all entry points. A name that is nearly one of the
    role's is a problem, because the role would ignore the value. No value is shown, because it may be secret.
    """
    ours = {*options, *OF_THE_PLAYBOOKS}
    unknown = sorted({name for name in names if name.startswith(PREFIX)} - ours - set(PUBLISHED))
    meant = {name: _nearest(name, ours) for name in unknown}
    problems = [
        f"{name} is not a variable of this role; did you mean {near}? If it is a variable of your own, rename it"
        for name, near in meant.items()
        if near
    ]
    others = [name for name, near in meant.items() if not near]
    warnings = [f"the role bluegreen has no variable {', '.join(others)} and ignores it"] if others else []
    return problems, warnings


def _nearest(name, ours):
    """Return the role's variable that is nearest to a name, or None: within two edits or, for a short name, within
    one."""
    near = []
    for each in sorted(ours):
        edits = _edits(name, each)
        if edits <= (2 if len(each) - len(PREFIX) > 5 else 1):
            near.append((edits, each))
    return min(near)[1] if near else None


def _edits(one, other):
    """Return how many letters must be added, removed, replaced or swapped with the next one to turn one name into the
    other."""
    before, row = [], list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        last, before, row = before, row, [i]
        for j, wanted in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                cost = min(cost, last[j - 2] + 1)
            row.append(cost)
    return row[-1]
