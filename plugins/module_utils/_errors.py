# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors of this collection. Their messages tell the operator what is wrong, where, and the remedy.

::

    BluegreenError
    ├── EngineError             the Docker Engine can't be reached, or it rejected a call
    ├── ComposeError            the user's Compose files can't be deployed as they are
    ├── EdgeError               nginx can't do what a deploy needs
    ├── UpstreamError (*)       an input is not valid for an upstream block, or a text is no nginx configuration
    ├── PlanError               the request can't be fulfilled
    ├── StateError              the state directory can't be used
    ├── JournalError (*)        a journal can't be read
    │   └── NewerJournal (*)    a newer version of this collection wrote it
    ├── LockHeld                another run has the lock
    ├── SmokeError (*)          the smoke tests can't be read
    ├── ProbeError (*)          the headers of the probes can't be read
    └── ReleaseFailed           the new color can't get the traffic, or keep it

    (*) is a ValueError as well
"""

from __future__ import annotations


class BluegreenError(Exception):
    """The base of all errors of this collection."""


class EngineError(BluegreenError):
    """The Docker Engine can't be reached, or it rejected a call."""


class ComposeError(BluegreenError):
    """The user's Compose files can't be deployed as they are."""


class EdgeError(BluegreenError):
    """nginx can't do what a deploy needs."""


class UpstreamError(BluegreenError, ValueError):
    """An input is not valid for an upstream block, or a text is no nginx configuration."""


class PlanError(BluegreenError):
    """The request can't be fulfilled."""


class StateError(BluegreenError):
    """The state directory can't be used."""


class JournalError(BluegreenError, ValueError):
    """A text or a value is not a journal of this format."""


class NewerJournal(JournalError):
    """A newer version of this collection wrote the journal."""


class LockHeld(BluegreenError):
    """Another run has the lock. ``holder``: its owner, as AppLock.holder() returns it."""

    def __init__(self, message, holder):
        super().__init__(message)
        self.holder = holder


class SmokeError(BluegreenError, ValueError):
    """The smoke tests can't be read."""


class ProbeError(BluegreenError, ValueError):
    """The headers of the probes can't be read."""


class ReleaseFailed(BluegreenError):
    """The new color can't get the traffic, or keep it. ``containers``: the evidence, as from evidence()."""

    def __init__(self, message, containers):
        super().__init__(message)
        self.containers = containers
