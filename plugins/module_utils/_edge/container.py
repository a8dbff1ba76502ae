# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx in a container whose conf dir is a mounted directory of the target."""

from __future__ import annotations

import os
import posixpath
import time

from .._errors import EdgeError, EngineError
from .._nginx.app_file import DOCKER_RESOLVER
from .._nginx.version import parse_version
from .edge import Edge
from .processes import socket_inodes, status_of

START_PATIENCE = 15
"""s for which a start of nginx may look up names, where the name server does not answer."""

LOG_LINES = 50
UNSEEN_LOOKS = 3

JUDGE = "hotswap.compose.judge"
"""Label of a container that tests a candidate: the app's scratch directory."""


class ContainerEdge(Edge):
    """``name``: the container; ``network``: the one that it shares with the apps."""

    resolver = DOCKER_RESOLVER

    def __init__(self, engine, name, network, conf_dir, scratch_dir):
        super().__init__(conf_dir, scratch_dir)
        self.engine = engine
        self.name = name
        self.network = network
        self._settle()
        self._inside = self._path_inside()
        self._refuse_single_files()
        config = self.container["Config"]
        self.arguments = config_arguments((config.get("Entrypoint") or []) + (config.get("Cmd") or []))
        self._check_network()

    @property
    def running(self):
        return self.container["State"]["Status"] == "running"

    @property
    def logs(self):
        """A directory that nginx can log to. Not memory where there is a choice, because a log there counts against the
        container's limit until the kernel kills nginx."""
        return "/dev/shm" if self.container["HostConfig"].get("ReadonlyRootfs") else "/tmp"

    @property
    def address(self):
        """nginx's address, as the target reaches it; empty where it does not run."""
        return self.container["NetworkSettings"]["Networks"][self.network]["IPAddress"]

    def describe_state(self):
        """Return the container's state as an operator would say it: ``exited with 1``."""
        state = self.container["State"]
        return "exited with {}".format(state["ExitCode"]) if state["Status"] == "exited" else "is " + state["Status"]

    def version(self):
        """Return nginx's version as a tuple of three numbers."""
        command = ["nginx", "-v"]
        ok, text = self.run_until(parse_version, command) if self.running else self._throw_away(command, None)
        found = parse_version(text)
        if not ok or found is None:
            raise EdgeError(f"{self.name} does not say its version by 'nginx -v': {text.strip()}")
        return found

    def path(self, name):
        """Return where nginx sees the file ``name`` of the conf dir."""
        return os.path.join(self._inside, name)

    def on_target(self, path):
        """Return where the target has what nginx sees at ``path``; None where it is in no mount."""
        for mount in sorted(self._mounts(), key=lambda mount: len(mount["Destination"]), reverse=True):
            if (path + "/").startswith(mount["Destination"].rstrip("/") + "/"):
                return os.path.normpath(os.path.join(mount["Source"], os.path.relpath(path, mount["Destination"])))
        return None

    def test(self, tree):
        """Test ``tree`` in the place of the conf dir, in a container of nginx's own image and mounts."""
        return self._throw_away(["nginx", "-T"] + self.arguments, tree)

    def run(self, argv):
        """Run a command in the container; return ``(ok, what it printed)``."""
        try:
            code, stdout, stderr = self.engine.execute(self.name, argv)
        except EngineError as error:
            raise EdgeError(f"{self.name} went away, or was replaced, during '{' '.join(argv)}': {error}") from error
        # Errors first: mixed, a word of stderr may stand in the middle of a line of a dump.
        return code == 0, (stderr + stdout).decode("utf-8", "replace")

    def root(self):
        """Return the process that all of nginx's processes descend from."""
        return self.container["State"]["Pid"]

    def _worker_sockets(self, pids):
        found = super()._worker_sockets(pids)
        if found is not None:
            return found
        # Root in the container sees what another user of the target does not. There, the processes have other ids.
        inside = {pid: status_of(pid).get("NSpid", "").split()[-1:] for pid in pids}
        listed = {
            pid: self._execute_as_root(["ls", "-l", f"/proc/{other[0]}/fd"]) for pid, other in inside.items() if other
        }
        if any(text is None for text in listed.values()):
            return None
        return {pid: socket_inodes(text) for pid, text in listed.items()}

    def _execute_as_root(self, argv):
        """Return what a command prints that root runs in the container; None where it fails."""
        try:
            code, stdout, _stderr = self.engine.execute(self.name, argv, privileged=True)
        except EngineError:
            return None
        return stdout.decode("utf-8", "replace") if code == 0 else None

    def log_tail(self):
        """Return the last lines that nginx logged, where its log is the container's."""
        try:
            return self.engine.log_tail(self.name, LOG_LINES)
        except EngineError:
            return []  # the logging driver can't be read

    def launch(self):
        # Where it crashes and restarts, a start alone does nothing.
        self.engine.call(self.engine.api.restart, self.name)
        self.refresh()

    def refresh(self):
        """Inspect the container again."""
        self.container = self.engine.inspect(self.name) or self.container

    def _settle(self):
        """Inspect the container until it is clear whether nginx runs. One that crashes and is restarted has no worker
        process meanwhile, for a moment, or for as long as it waits for a name server."""
        began = time.monotonic()
        unseen = 0  # looks in a row
        while True:
            self.container = self.engine.inspect(self.name)
            if self.container is None:
                raise EdgeError(
                    f"bluegreen_nginx_container is {self.name!r}: there is no such container; start nginx's container "
                    "first, or correct the name. If it is a service of your Compose files, create it alone (docker "
                    "compose up --no-start --no-deps SERVICE): the deploy starts it"
                )
            if not self.running or self.workers() or time.monotonic() - began > START_PATIENCE:
                return
            unseen = 0 if status_of(self.root()) else unseen + 1
            if unseen == UNSEEN_LOOKS:
                raise EdgeError(
                    f"the processes of nginx in {self.name} can't be seen, so no reload could be proven: /proc is "
                    "mounted with hidepid, or the Engine runs on another machine; run with become, or on that machine"
                )
            time.sleep(0.1)

    def _mounts(self):
        """Return the mounts of the target's files. Of nested ones, the inner one counts."""
        return [mount for mount in self.container["Mounts"] if mount.get("Source")]

    def _path_inside(self):
        real = os.path.realpath(self.conf_dir)
        bound = [(os.path.realpath(each["Source"]), each["Destination"]) for each in self._mounts()]
        for source, destination in sorted(bound, key=lambda each: len(each[0]), reverse=True):
            if (real + "/").startswith(source.rstrip("/") + "/"):
                return os.path.normpath(os.path.join(destination, os.path.relpath(real, source)))
        mounts = ["{} at {}".format(mount.get("Source"), mount["Destination"]) for mount in self.container["Mounts"]]
        raise EdgeError(
            "bluegreen_nginx_conf_dir is {!r}: {} has no mount of that directory, so nginx would not see what is "
            "written there; mount the directory itself (a single file does not do: a replaced file is not seen); it "
            "has {}".format(self.conf_dir, self.name, ", ".join(mounts) or "no mounts")
        )

    def _refuse_single_files(self):
        for mount in self.container["Mounts"]:
            directory, name = os.path.split(mount["Destination"])
            if directory == self._inside and name.startswith("bluegreen"):
                raise EdgeError(
                    f"{self.name} has {mount['Destination']} as a mount of a single file, so nginx would not see it "
                    "replaced: take that mount away, and mount the directory itself"
                )

    def _check_network(self):
        network = self.network
        if network not in [entry["Name"] for entry in self.engine.call(self.engine.api.networks, names=[network])]:
            raise EdgeError(
                f"bluegreen_network is {network!r}: there is no such network; create it (docker network create "
                f"{network}) and put nginx on it"
            )
        joined = self.container["NetworkSettings"]["Networks"]
        if network not in joined:
            raise EdgeError(
                "bluegreen_network is {0!r}: {1} is not on it but on {2}, so it could not reach the app; connect it "
                "(docker network connect {0} {1}) or correct the name".format(
                    network, self.name, ", ".join(sorted(joined)) or "none"
                )
            )

    def tidy(self, app):
        super().tidy(app)
        for left in self.engine.list_containers([f"{JUDGE}={self.scratch_dir}"]):
            self.engine.call(self.engine.api.remove_container, left["Id"], force=True)

    def _throw_away(self, command, tree):
        api = self.engine.api
        config = api.create_host_config(
            volumes_from=[self.container["Id"] + ":ro"],
            network_mode="container:" + self.container["Id"] if self.running else self.network,
            binds=[f"{tree}:{self._inside}:ro"] if tree else None,
            log_config={"Type": "json-file", "Config": {}},  # read here, gone with it, and nobody else's to collect
        )
        created = self.engine.call(
            api.create_container,
            self.container["Image"],
            command=command,
            entrypoint=[],
            host_config=config,
            labels={JUDGE: self.scratch_dir},
        )
        try:
            self.engine.call(api.start, created["Id"])
            code = self.engine.call(api.wait, created["Id"])["StatusCode"]
            # Apart, as in run().
            text = b"".join(
                self.engine.call(api.logs, created["Id"], stdout=not errors, stderr=errors) for errors in (True, False)
            )
        finally:
            self.engine.call(api.remove_container, created["Id"], force=True)
        return code == 0, text.decode("utf-8", "replace")


def config_arguments(command):
    """Return nginx's ``-c`` and ``-p`` in a container's command, which every other call of nginx in it needs as
    well."""
    names = [posixpath.basename(part) for part in command]
    own = command[names.index("nginx") :] if "nginx" in names else []  # the -c of `sh -c` is none of nginx's
    arguments = []
    for flag, value in zip(own, own[1:]):
        if flag in ("-c", "-p"):
            arguments += [flag, value]
    return arguments
