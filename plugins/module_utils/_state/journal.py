# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The journal: what the state directory records about an app.

nginx's file is the first source of truth, then the containers. The journal only adds what neither shows. So an unusable
journal counts as an empty state, with a reason to show. There are two exceptions. A journal of an older format is
upgraded when it is read. One of a newer format is an error, because a run with an empty state would lose every way
back.

A state, format 2::

    {"format": 2,
     "app": str,
     "releases": [                            # newest last, a record each time an outcome is known
{"release": str,                      # "" if unknown (adopted)
 "color": "blue" | "green",
"deploy": str,                       # the directory of its files; "adopted" without one
         "containers": [container id],
         "deployed_at": "2026-01-31T23:59:59Z",
         "images": {service: {"ref": "shop-was:v1", "id": "sha256:...", "brought": bool,
"digest": None | "sha256:...",  # the registry's; may be missing
"tags": [str]}},  # other names of a built image; missing for a pulled one
         "config_hash": str,
"rollback": bool,                    # whether a rollback went to it; may be missing
"services": [service],               # as in "unfinished", as it ran with them; may be missing
         "expected": {service: int},          # the number of containers of each of its services; may be missing
         "files": [str],                      # paths of the Compose files that the deploy read; may be missing
"ids_before", "networks_before",     # only of a release that awaits its promotion, as below
         "outcome": "deployed" | "rolled_back" | "rejected" | "awaiting_promotion" | "forgotten"}],
     "migrations": [                          # that succeeded, newest last; may be missing
        {"release": str, "image": "sha256:...", "command": str, "at": "2026-01-31T23:59:59Z"}],
"volumes": {key: str},                   # that colors use again, by the keys of the file; may be missing
     "project": str,                          # the Compose project of the stack that was adopted; may be missing
     "restart_policies": {container id: {"Name": str, "MaximumRetryCount": int}},
"proved": None | str,                    # the generation of nginx's file that nginx was seen to load
"unfinished": None |                     # a run that has not ended; "deploy" and the keys around it only in a deploy
        {"deploy": str, "release": str, "color": "blue" | "green", "rollback": bool,
         "how": "create" | "start" | "warm" | "promote",
         "services": [service],               # those that take traffic, as named_services() returns them
         "expected": {service: int},          # as in a release; may be missing
         "previous_services": [service],      # of the color that had the traffic; may be missing
"started": [container id],           # that were stopped before
"previous": [container id],          # of the active color
"endpoints": [str],                  # by which nginx reaches these
"previous_exclusive": [container id],    # of these, those that stop before the new color starts; may be missing
         "exclusive_containers": [container id],  # of the new color, if they existed; may be missing
"moving_aliases": [...],             # of the new color, as in _docker/aliases.py; may be missing
"previous_moving_aliases": [...],    # of the active color; may be missing
         "begun_at": "2026-01-31T23:59:59Z",
         "config_hash": str,                  # as in a release
"refs": {service: str},              # only of a deploy: the image references of its file
"tags": {service: [str]},            # as in a release, of the services with built images; may be missing
         "pulled": [str],                     # references that are pulled although the file can build them; may be
                                              # missing
"ids_before": {reference: None | "sha256:..."},  # the image of each name before the pull and the builds
         "files": [str],                      # as in a release; may be missing
         "adopted": None | {release},         # and the record of a stack that was started by hand
"images", "containers",              # only if a release comes back: as in its record
         "networks_before": [str],            # of the color's Compose project; may be missing
"connected": [{"id": container id, "network": str}],  # of "previous", connected by this run; may be missing
"by": None | {...},                  # as in history.py; may be missing
"given_up": True,                    # once the traffic must move back, or the containers are removed
"swap": {"from": None | str}}}       # the previous nginx file; from the first change on

``brought``: this deploy pulled or built the image. ``deployed``: the release had the traffic when the run ended. So the
newest such record is the active one, and a rollback to a release adds a record of it. ``rolled_back``: it had the
traffic and lost it in the same run. ``rejected``: it never had the traffic. ``awaiting_promotion``: it is ready and
waits for the traffic, if this is the newest record. ``forgotten``: it was deployed, but no run goes back to it. Its
record is kept because some of its images are still on the host. Other keys are kept as they are.

Format 1 had no ``forgotten``.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat

from .._errors import JournalError, NewerJournal, StateError
from .._names import COLORS

FORMAT = 2
HOWS = ("create", "start", "warm", "promote")
AWAITING = "awaiting_promotion"
OUTCOMES = ("deployed", "rolled_back", "rejected", AWAITING)
"""How a run ends."""

FORGOTTEN = "forgotten"

_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?Z")


def empty_journal(app=""):
    """Return the state of an app about which nothing is known."""
    return {"format": FORMAT, "app": app, "releases": [], "restart_policies": {}, "proved": None, "unfinished": None}


def dumps(state):
    """Return the text of a state. Raises JournalError for a state that loads() would reject."""
    _check(_upgraded(state))
    return json.dumps(state, indent=1, sort_keys=True) + "\n"


def loads(text):
    """Return the state in a text (str or UTF-8 bytes), upgraded to FORMAT.

    Raises JournalError, which names the fault and its place, and NewerJournal for a format after FORMAT.
    """
    if not text.strip():
        raise JournalError("it is empty")
    try:
        state = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise JournalError(f"it is truncated or not JSON: {error}") from error
    state = _upgraded(state)
    _check(state)
    return state


def _upgraded(state):
    if not isinstance(state, dict) or "format" not in state:
        raise JournalError("it is not a journal: it has no format number")
    number = state["format"]
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise JournalError(f"it has format {number!r}, but this version reads 1 to {FORMAT}")
    if number > FORMAT:
        raise NewerJournal(
            f"was written by a newer version of hotswap.compose (format {number}, this version reads up to {FORMAT})"
        )
    for upgrade in _UPGRADES[number - 1 :]:
        state = upgrade(state)
    return state


def _from_1(state):
    # Fill in here what format 2 requires and format 1 lacks. Optional keys need nothing.
    return dict(state, format=2)


_UPGRADES = (_from_1,)
"""One function for each step. The first one upgrades a state from format 1 to format 2."""


def read_journal(path, app=None):
    """Return ``(state, reason)``: reason is None, or tells why the state is an empty one.

    app: whose journal is expected. Another app's journal is not used. Raises StateError for a journal of a newer
    version of this collection.
    """
    try:
        state = loads(content(path))
    except NewerJournal as error:
        raise StateError(f"the journal {path} {error}; update the collection on the controller") from error
    except FileNotFoundError:
        return empty_journal(app or ""), f"there is no journal at {path}"
    except (OSError, ValueError) as error:
        return empty_journal(app or ""), f"the journal {path} is not used: {getattr(error, 'strerror', None) or error}"
    if app is not None and state["app"] != app:
        return empty_journal(app), f"the journal {path} is not used: it is of the app {state['app']!r}, not of {app!r}"
    return state, None


def content(path):
    """Return the bytes of a regular file. Raises OSError, and JournalError for anything else."""
    # O_NONBLOCK: a fifo in this place must not block a deploy for ever.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise JournalError("it is a symbolic link") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise JournalError("it is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read()
    finally:
        os.close(descriptor)


def _check(state):
    _expect(state, "app", str, "")
    _expect(state, "releases", list, "")
    for index, record in enumerate(state["releases"]):
        _check_record(record, f"releases[{index}]")
    for index, migration in enumerate(state.get("migrations", [])):
        for key in ("release", "image", "command", "at"):
            _expect(migration, key, str, f"migrations[{index}]")
    _expect(state, "restart_policies", dict, "")
    for container, policy in state["restart_policies"].items():
        where = f"restart_policies[{container}]"
        _expect(policy, "Name", str, where)
        _expect(policy, "MaximumRetryCount", int, where)
    if "project" in state:
        _expect(state, "project", str, "")
    _expect(state, "proved", (str, type(None)), "")
    _expect(state, "unfinished", (dict, type(None)), "")
    if "deploy" in (state["unfinished"] or {}):
        _check_unfinished(state["unfinished"])


def _check_record(record, where):
    for key in ("release", "color", "deploy", "deployed_at", "config_hash", "outcome"):
        _expect(record, key, str, where)
    _one_of(record, "color", COLORS, where)
    _one_of(record, "outcome", (*OUTCOMES, FORGOTTEN), where)
    if not _UTC.fullmatch(record["deployed_at"]):
        raise JournalError(
            f"{where}.deployed_at is {record['deployed_at']!r}, not a UTC time such as 2026-01-31T23:59:59Z"
        )
    _expect(record, "containers", list, where)
    _expect(record, "images", dict, where)
    for service, image in record["images"].items():
        image_where = f"{where}.images[{service}]"
        _expect(image, "ref", str, image_where)
        _expect(image, "id", str, image_where)
        _expect(image, "brought", bool, image_where)
        if not image["id"].startswith("sha256:"):
            raise JournalError(f"{image_where}.id is {image['id']!r}, not an image id such as sha256:...")
    _check_services(record, "services", where)
    _check_expected(record, where)
    _check_files(record, where)


def _check_unfinished(unfinished):
    for key in ("deploy", "release", "color", "how", "begun_at", "config_hash"):
        _expect(unfinished, key, str, "unfinished")
    for key in ("services", "started", "previous", "endpoints"):
        _expect(unfinished, key, list, "unfinished")
    for key in {"moving_aliases", "previous_moving_aliases"} & set(unfinished):
        _expect(unfinished, key, list, "unfinished")
    _expect(unfinished, "rollback", bool, "unfinished")
    _one_of(unfinished, "color", COLORS, "unfinished")
    _one_of(unfinished, "how", HOWS, "unfinished")
    _check_services(unfinished, "services", "unfinished")
    _check_services(unfinished, "previous_services", "unfinished")
    _check_expected(unfinished, "unfinished")
    _check_files(unfinished, "unfinished")
    for key in {"refs", "ids_before", "images", "swap"} & set(unfinished):
        _expect(unfinished, key, dict, "unfinished")
    if "swap" in unfinished:
        _expect(unfinished["swap"], "from", (str, type(None)), "unfinished.swap")


def _check_services(mapping, key, where):
    if key not in mapping:
        return
    _expect(mapping, key, list, where)
    for number, service in enumerate(mapping[key]):
        for name in ("name", "base", "upstream"):
            _expect(service, name, str, f"{where}.{key}[{number}]")
        _expect(service, "port", int, f"{where}.{key}[{number}]")


def _check_expected(mapping, where):
    if "expected" in mapping:
        _expect(mapping, "expected", dict, where)
        for service in mapping["expected"]:
            _expect(mapping["expected"], service, int, f"{where}.expected")


def _check_files(mapping, where):
    if "files" in mapping:
        _expect(mapping, "files", list, where)


def _one_of(mapping, key, known, where):
    if mapping[key] not in known:
        raise JournalError(f"{where}.{key} is {mapping[key]!r}, not one of {', '.join(known)}")


def _expect(mapping, key, kinds, where):
    name = f"{where}.{key}" if where else key
    if not isinstance(mapping, dict):
        raise JournalError(f"{where} is not a mapping")
    if key not in mapping:
        raise JournalError(f"{name} is missing")
    # JSON's true is no number, though Python's True is.
    if not isinstance(mapping[key], kinds) or (kinds is int and isinstance(mapping[key], bool)):
        raise JournalError(f"{name} has the wrong type, {type(mapping[key]).__name__}")
