# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Close a run: record its outcome in the journal and in the history, prune images, and release the lock."""

from __future__ import annotations

import contextlib
import time

from .._state.history import append_run, ended_run, owner_of
from .._state.journal import OUTCOMES
from .recorder import Recorder

# Documented in the fragment hotswap.compose._app.record.
RECORD_ARGUMENTS = {
    "outcome": {"type": "str", "choices": list(OUTCOMES), "required": True},
    "services": {"type": "list", "elements": "str", "required": True},
    "keep_releases": {"type": "int", "default": 3},
    "run": {
        "type": "dict",
        "required": True,
        "options": {
            "kind": {"type": "str", "choices": ["deploy", "rollback", "promote", "abort"], "required": True},
            "release": {"type": "str"},
            "previous_release": {"type": "str"},
            "color": {"type": "str"},
            "phases": {"type": "dict", "default": {}},
            "warnings": {"type": "list", "elements": "str", "default": []},
            "reason": {"type": "str"},
        },
    },
}


@contextlib.contextmanager
def timed(phases, phase):
    """Note in ``phases`` how many seconds the block took."""
    began = time.monotonic()
    try:
        yield
    finally:
        phases[phase] = round(time.monotonic() - began, 2)


def extended_record(record, phases, warnings):
    """Return the RECORD_ARGUMENTS with the phases and the warnings of the module that closes the run."""
    run = record["run"]
    run = dict(run, phases={**run["phases"], **phases}, warnings=run["warnings"] + warnings)
    return dict(record, run=run)


def close_run(engine, state, lock, token, record, is_planned=True):
    """Return ``{changed, removed_images, run, warnings}``; ``run``: as the history has it.

    ``lock``: the AppLock; ``token``: the name by which the run holds it, None without a lock; ``record``: the
    RECORD_ARGUMENTS; ``is_planned``: whether the unfinished run in the journal is this one, and not an earlier one that
    was killed. Raises StateError if another run has taken over the lock.
    """
    with lock.acting(token):
        holder = lock.holder()
        changed = is_planned and state.journal["unfinished"] is not None
        removed, images, warnings = [], {}, []
        if changed and state.unfinished:
            recorder = Recorder(engine, state, record["services"], record["keep_releases"])
            removed = recorder.close(state.unfinished, record["outcome"])
            images, warnings = recorder.images, recorder.warnings
        elif changed:
            state.save(unfinished=None)  # nginx's file was written again, and nothing deployed
        run = ended_run(
            dict(record["run"], outcome=record["outcome"]),
            holder and holder["since"],
            owner_of(holder),
            images,
            record["run"]["warnings"] + warnings,
        )
        warnings += append_run(state.directory, run)
        if token:
            lock.release(token)
    return {"changed": changed, "removed_images": removed, "run": run, "warnings": warnings}
