# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history of an app: how each run ended, as one line of JSON each, the newest last.

``<state_dir>/<app>/history.jsonl`` holds the latest runs. When it has grown to LIMIT, it becomes ``history.1.jsonl``
and replaces the previous one. No decision depends on it. A run::

    {"at": "2026-01-31T23:59:59Z", "begun_at": None | "2026-01-31T23:59:47Z",
     "kind": "deploy" | "rollback" | "promote" | "abort",
     "outcome": "deployed" | "rolled_back" | "rejected" | "awaiting_promotion",     # as in bluegreen_result
     "release": None | str, "previous_release": None | str, "color": None | str,    # what was to get the traffic
     "phases": {name: s},
     "by": None | {"user": str, "controller": str, "job": str},
     "images": {service: {"ref": str, "id": "sha256:...", "digest": None | "sha256:..."}},
     "warnings": [line],
     "reason": None | line}                                                         # of a failure
"""

from __future__ import annotations

import contextlib
import json
import os

from .._errors import JournalError
from .._files import utc_now
from .._text import cut_text, first_line
from .journal import content

LAST = 30
"""The number of runs that are shown."""

LIMIT = 256 * 1024
"""Bytes of a file. LAST runs need only a part of it."""

_LINE = 300
_WARNINGS = 10

_NAME, _BEFORE = "history.jsonl", "history.1.jsonl"


def one_line(text):
    """Return the first line of a text, in at most 300 characters, or None."""
    return cut_text(first_line(text or "")[0], _LINE) or None


def owner_of(holder):
    """Return ``by`` of a run that has, or had, the lock. ``holder``: as from AppLock.holder()."""
    return holder and {key: str(holder.get(key) or "") for key in ("user", "controller", "job")}


def ended_run(run, begun_at, by, images, warnings):
    """Return the record of a run that ends now, as the module's docstring describes it.

    ``run``: its ``kind``, ``outcome``, ``release``, ``previous_release``, ``color``, ``phases`` and ``reason`` (with
    all its lines); ``outcome`` and ``images``: as in the journal.
    """
    gone_back = run["kind"] == "rollback" and run["outcome"] == "deployed"
    return {
        "at": utc_now(),
        "begun_at": begun_at,
        "kind": run["kind"],
        "outcome": "rolled_back" if gone_back else run["outcome"],
        "release": run["release"] or None,
        "previous_release": run["previous_release"] or None,
        "color": run["color"],
        "phases": {name: float(seconds) for name, seconds in run["phases"].items()},
        "by": by,
        "images": {
            service: {key: image.get(key) for key in ("ref", "id", "digest")}
            for service, image in sorted(images.items())
        },
        "warnings": [line for line in map(one_line, warnings) if line][:_WARNINGS],
        "reason": one_line(run["reason"]),
    }


def append_run(directory, run):
    """Add a run to the history of the app with this directory, and wait until it is on the disk. The caller has the
    lock.

    Return warnings, because a failure here must not fail the run.
    """
    try:
        _append(directory, json.dumps(run).encode("utf-8"))
    except OSError as error:
        return [f"the history in {directory} lacks this run, because it can't be written: {error.strerror}"]
    return []


def _append(directory, line):
    path = os.path.join(directory, _NAME)
    with contextlib.suppress(FileNotFoundError):
        if os.lstat(path).st_size >= LIMIT:
            os.replace(path, os.path.join(directory, _BEFORE))
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, 0o600), "r+b", buffering=0) as file:
        # A line that a full disk or a power failure cut off gets its end, so that it does not spoil the next one.
        size = os.fstat(file.fileno()).st_size
        whole = size == 0 or os.pread(file.fileno(), 1, size - 1) == b"\n"
        file.write((b"" if whole else b"\n") + line + b"\n")
        os.fsync(file.fileno())


def read_history(directory, last=LAST):
    """Return the last runs of the app with this directory, the newest last. Invalid lines are ignored."""
    lines = [line for name in (_BEFORE, _NAME) for line in _lines(os.path.join(directory, name))]
    return [each for each in map(_parsed, lines) if each][-last:]


def _lines(path):
    try:
        return content(path).splitlines()
    except (OSError, JournalError):
        return []


def _parsed(line):
    try:
        found = json.loads(line)
        texts = ("at", "kind", "outcome")
        sound = all(isinstance(found[key], str) for key in texts) and isinstance(found["phases"], dict)
        return found if sound else None
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
