# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which migrations have run, from the journal's list, and which have failed. Pure."""

from __future__ import annotations

LINES = 20
"""Lines of the output of a failed migration that are shown."""


def is_migration_due(migrations, release, image, command):
    """Return whether a command of a release must still run. Another image under the same name is another release."""
    done = {(each["release"], each["image"], each["command"]) for each in migrations}
    return (release, image, command) not in done


def migrations_after(migrations, release, since):
    """Return a warning for each migration that a rollback to ``release``, deployed at ``since``, does not undo."""
    return [
        "the migration of {release} ({command}) was run, and a rollback does not undo it".format(**each)
        for each in migrations
        if each["release"] != release and each["at"] >= since
    ]


def migration_failure(command, result):
    """Return why a migration has failed, followed by its last output, or None.

    ``result``: from community.docker.docker_compose_v2_run. It has ``rc`` if the command ran.
    """
    if result.get("failed"):
        return f"the migration ({command}) could not be run: {result.get('msg', 'no reason was given')}"
    if not result["rc"]:
        return None
    said = [*result.get("stdout_lines", []), *result.get("stderr_lines", [])]
    return "\n".join(
        [f"the migration ({command}) exited with {result['rc']}", *(f"  {line}" for line in said[-LINES:])]
    )
