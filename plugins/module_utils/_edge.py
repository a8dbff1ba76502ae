# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The edge: the nginx in front, in a container. Look at it, judge a candidate outside its live tree, reload it and prove it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time

from ansible_collections.hotswap.compose.plugins.module_utils import _nginx
from ansible_collections.hotswap.compose.plugins.module_utils._gate import epoch
from ansible_collections.hotswap.compose.plugins.module_utils._journal import write_atomic
from ansible_collections.hotswap.compose.plugins.module_utils._state import temporary_directory

PROOF_PATIENCE = 4.0
"""s until a reload that can't be proven counts as failed; nginx itself gives up on a taken port after 2.5 s."""

_POLL = 0.02
_LOCK_FILE = ".bluegreen.lock"


class EdgeError(Exception):
    """nginx can't do what a deploy needs; the message says what is wrong and what to do."""


class UnprovenReload(EdgeError):
    """A reload was asked for, and nobody knows whether nginx will still do it."""


class Edge:
    """nginx in a container whose conf dir is a directory of the target."""

    def __init__(self, engine, name, conf_dir, network, scratch_dir):
        self.engine = engine
        self.name = name
        self.conf_dir = conf_dir
        self.network = network
        self.scratch_dir = scratch_dir
        self.container = self._settled()
        self.inside = self._inside()
        command = self.container["Config"].get("Cmd") or []
        self._arguments = _nginx.config_arguments((self.container["Config"].get("Entrypoint") or []) + command)

    @property
    def running(self):
        return self.container["State"]["Status"] == "running"

    def describe_state(self):
        """Return the container's state as an operator would say it: ``exited with 1``."""
        state = self.container["State"]
        return "exited with {0}".format(state["ExitCode"]) if state["Status"] == "exited" else state["Status"]

    def path(self, name):
        """Return where nginx sees the file ``name`` of the conf dir."""
        return os.path.join(self.inside, name)

    def version(self):
        """Return nginx's version as a tuple of three numbers."""
        ok, text = self._exec(["nginx", "-v"]) if self.running else self._throw_away(["nginx", "-v"], None)
        found = _nginx.version(text)
        if not ok or found is None:
            raise EdgeError("{0} does not say its version by 'nginx -v': {1}".format(self.name, text.strip()))
        return found

    def dump(self):
        """Return ``(ok, text)``: what the running nginx's ``nginx -T`` prints of the configuration on disk."""
        return self._exec(["nginx", "-T"] + self._arguments)

    def judge(self, files):
        """Return ``(ok, text)`` of ``nginx -T`` with ``files`` in the conf dir, without a change to the conf dir.

        ``files``: ``{name: content, or None for a file that is to go}``. A container of nginx's own image and mounts tests a
        copy of the conf dir: a candidate in the real one would go live with anybody's reload.
        """
        with temporary_directory(self.scratch_dir) as candidate:
            tree = os.path.join(candidate, "conf")
            shutil.copytree(self.conf_dir, tree, symlinks=True, ignore=shutil.ignore_patterns(_LOCK_FILE))
            for name, content in files.items():
                path = os.path.join(tree, name)
                if content is not None:
                    write_atomic(path, content, mode=0o644)
                elif os.path.exists(path):
                    os.remove(path)
            return self._throw_away(["nginx", "-T"] + self._arguments, tree)

    def read(self, name):
        """Return the content of a file of the conf dir, or None where there is none."""
        try:
            with open(os.path.join(self.conf_dir, name), encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def write(self, files):
        """Put ``files`` (as for judge) into the conf dir, each in one step."""
        for name, content in files.items():
            path = os.path.join(self.conf_dir, name)
            if content is not None:
                write_atomic(path, content, mode=0o644)
            elif os.path.exists(path):
                os.remove(path)

    @contextlib.contextmanager
    def locked(self):
        """Keep every other deploy behind this nginx waiting, from the test of a configuration to the proof that it is live."""
        descriptor = os.open(os.path.join(self.conf_dir, _LOCK_FILE), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def workers(self):
        """Return ``{(pid, start time in clock ticks): leaving?}`` of nginx's workers, from this machine's process table."""
        master = self.container["State"]["Pid"]
        processes = dict(_processes())
        found = {}
        for pid, (parent, started) in processes.items():
            if not _descends(processes, parent, master):
                continue
            title = _title(pid)
            if title.startswith("nginx: worker process"):
                found[(pid, started)] = title.endswith("is shutting down")
        return found

    def reload(self):
        """Reload nginx and prove it. Return ``(workers of before, s to the proof)``; EdgeError where it stays as it was."""
        before = {worker: leaving for worker, leaving in self.workers().items() if not leaving}
        if not before:
            raise EdgeError("no worker of nginx in {0} can be seen from here, so no reload could be proven".format(self.name))
        began_at, began = time.time(), time.monotonic()
        ok, text = self._exec(["nginx", "-s", "reload"] + self._arguments)
        if not ok:
            raise EdgeError("nginx refuses to reload: {0}".format(text.strip()))
        asked = time.monotonic()  # on a busy machine, the call alone takes seconds
        look_at_log = began + 0.5
        while not _nginx.reloaded(before, self.workers()):
            now = time.monotonic()
            if now >= look_at_log:
                said = _nginx.refusal(self._log_since(began_at))
                if said:
                    raise EdgeError("nginx kept its old configuration over a reload: {0}".format(said))
                if now - asked > PROOF_PATIENCE:
                    raise UnprovenReload("nginx has not reloaded: no new worker within {0:g} s".format(PROOF_PATIENCE))
                look_at_log = now + 0.25
            time.sleep(_POLL)
        return sorted(before), time.monotonic() - began

    def start(self):
        """Start nginx's container and prove that nginx stays up. Return the s it took."""
        began = time.monotonic()
        self.engine.call(self.engine.api.restart, self.name)  # where it crashes and restarts, a start alone does nothing
        restarted = time.monotonic()
        while True:
            self.container = self.engine.inspect(self.name)
            if not self.running:
                log = "\n".join(self.engine.log_tail(self.name, 5))
                raise EdgeError("nginx does not stay up in {0}: {1}".format(self.name, log or self.describe_state()))
            if self.workers():
                return time.monotonic() - began
            if time.monotonic() - restarted > PROOF_PATIENCE:
                raise EdgeError("nginx in {0} has no worker {1:g} s after its start".format(self.name, PROOF_PATIENCE))
            time.sleep(_POLL)

    def established(self, addresses):
        """Return how many connections nginx has open to ``addresses``, those of the old color."""
        total = 0
        for table in ("tcp", "tcp6"):
            try:
                with open("/proc/{0}/net/{1}".format(self.container["State"]["Pid"], table), encoding="ascii") as file:
                    total += _nginx.established(file.read(), addresses)
            except FileNotFoundError:
                pass  # no such process any more, or no IPv6
        return total

    def _settled(self):
        """Inspect the container. One that crashes and is restarted runs for a moment at a time: look until it is clear."""
        began = time.monotonic()
        while True:
            container = self.engine.inspect(self.name)
            if container is None:
                raise EdgeError(
                    "bluegreen_nginx_container is {0!r}: there is no such container; start nginx's container first, or "
                    "correct the name".format(self.name)
                )
            state = container["State"]
            long_enough = time.time() - epoch(state["StartedAt"]) > 1 or time.monotonic() - began > 1
            if state["Status"] != "running" or long_enough:
                return container
            time.sleep(0.1)

    def _inside(self):
        real = os.path.realpath(self.conf_dir)
        if not os.path.isdir(real):
            raise EdgeError(
                "bluegreen_nginx_conf_dir is {0!r}: there is no such directory on the target; name the directory that nginx's "
                "container has mounted".format(self.conf_dir)
            )
        for mount in self.container["Mounts"]:
            source = os.path.realpath(mount["Source"]) if mount.get("Source") else None
            if source and os.path.isdir(source) and (real + "/").startswith(source.rstrip("/") + "/"):
                return os.path.normpath(os.path.join(mount["Destination"], os.path.relpath(real, source)))
        raise EdgeError(
            "bluegreen_nginx_conf_dir is {0!r}: {1} has no mount of that directory, so nginx would not see what is written "
            "there; mount the directory itself (a single file does not do: a replaced file is not seen){2}".format(
                self.conf_dir, self.name, self._mounted()
            )
        )

    def _mounted(self):
        mounts = ["{0} at {1}".format(mount.get("Source"), mount["Destination"]) for mount in self.container["Mounts"]]
        return "; it has " + ", ".join(mounts) if mounts else "; it has no mounts"

    def _exec(self, command):
        api = self.engine.api
        created = self.engine.call(api.exec_create, self.name, command)
        # Apart, and errors first: mixed, a word of stderr may stand in the middle of a line of a dump.
        stdout, stderr = self.engine.call(api.exec_start, created["Id"], demux=True)
        code = self.engine.call(api.exec_inspect, created["Id"])["ExitCode"]
        return code == 0, ((stderr or b"") + (stdout or b"")).decode("utf-8", "replace")

    def _throw_away(self, command, tree):
        api = self.engine.api
        config = api.create_host_config(
            volumes_from=[self.container["Id"] + ":ro"],
            network_mode="container:" + self.container["Id"] if self.running else self.network,
            binds=["{0}:{1}:ro".format(tree, self.inside)] if tree else None,
        )
        created = self.engine.call(
            api.create_container,
            self.container["Image"],
            command=command,
            entrypoint=[],
            host_config=config,
            labels={"hotswap.compose.purpose": "judge"},
        )
        try:
            self.engine.call(api.start, created["Id"])
            code = self.engine.call(api.wait, created["Id"])["StatusCode"]
            # Apart, as in _exec.
            text = b"".join(
                self.engine.call(api.logs, created["Id"], stdout=not errors, stderr=errors) for errors in (True, False)
            )
        finally:
            self.engine.call(api.remove_container, created["Id"], force=True)
        return code == 0, text.decode("utf-8", "replace")

    def _log_since(self, moment):
        # Without a limit: the Engine counts the lines of stdout too, and a busy nginx writes hundreds there meanwhile.
        text = self.engine.call(self.engine.api.logs, self.name, stdout=False, stderr=True, since=moment)
        return text.decode("utf-8", "replace")


def quoted(text):
    """Return the lines by which nginx says what is wrong, without the rest of a dump."""
    lines = [line.strip() for line in text.splitlines() if "[emerg]" in line or "[alert]" in line]
    return " ".join(lines) or " ".join(text.split())[-300:]


def _processes():
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open("/proc/{0}/stat".format(entry), encoding="utf-8", errors="replace") as file:
                    fields = file.read().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            yield int(entry), (int(fields[1]), int(fields[19]))


def _descends(processes, pid, ancestor):
    while pid in processes:
        if pid == ancestor:
            return True
        pid = processes[pid][0]
    return False


def _title(pid):
    try:
        with open("/proc/{0}/cmdline".format(pid), encoding="utf-8", errors="replace") as file:
            return file.read().rstrip("\0 ")
    except (FileNotFoundError, ProcessLookupError):
        return ""
