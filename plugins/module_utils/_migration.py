# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which migrations have been run, by the journal's list of them. Pure."""

from __future__ import annotations


def is_due(migrations, release, image, command):
    """Return whether a command of a release is still to be run; another image under the same name is another
    release."""
    done = {(each["release"], each["image"], each["command"]) for each in migrations}
    return (release, image, command) not in done


def outlasting(migrations, release, since):
    """Return a warning for each migration that a rollback to ``release``, deployed at ``since``, does not undo."""
    return [
        "the migration of {release} ({command}) has been run and is not undone by a rollback".format(**each)
        for each in migrations
        if each["release"] != release and each["at"] >= since
    ]
