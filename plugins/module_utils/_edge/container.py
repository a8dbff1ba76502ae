# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx in a container whose conf dir is a mounted directory of the target."""

from __future__ import annotations

import io
import os
import posixpath
import re
import subprocess
import tarfile
import time

from .._errors import EdgeError, EngineError
from .._files import is_within
from .._nginx.app_file import DOCKER_RESOLVER
from .._nginx.version import PROGRAMS, parse_version
from .edge import Edge, file_mode, put_files
from .private_root import run_in_private_root
from .processes import socket_inodes, status_of, title_of

START_PATIENCE = 15
"""Seconds in which a starting nginx may look up names, if the name server does not answer."""

LOG_LINES = 50
UNSEEN_LOOKS = 3

JUDGE = "hotswap.compose.judge"
"""Label of a container that tests a file, and of its image. Its value is the app's scratch directory."""

LARGEST_LAYER = 2 * 10**9
"""Bytes. A copy of so much takes several seconds, and a deploy makes several copies."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""The Engine's PATH for an image without one."""

SETTINGS_OF_A_NETWORK = ("Dns", "DnsOptions", "DnsSearch", "ExtraHosts", "Links", "Sysctls")
"""Settings that a container in another container's network takes from that one and must not have itself."""

_PROGRAM = re.compile(r"(?:/\S*/s?bin/)?(?:{})".format("|".join(PROGRAMS)))


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
        self._check_network()
        self.program, self.arguments = self._find_program()

    @property
    def running(self):
        return self.container["State"]["Status"] == "running"

    @property
    def logs(self):
        """A directory that nginx can log to, in memory only if there is no other. A log in memory counts against the
        container's limit, until the kernel kills nginx."""
        return "/dev/shm" if self.container["HostConfig"].get("ReadonlyRootfs") else "/tmp"

    @property
    def address(self):
        """nginx's address, as the target reaches it. Empty if nginx does not run or can't be reached."""
        if self.engine.is_rootless:
            return ""
        return self.container["NetworkSettings"]["Networks"][self.network]["IPAddress"]

    def describe_state(self):
        """Return the container's state as an operator would name it: ``exited with 1``."""
        state = self.container["State"]
        return "exited with {}".format(state["ExitCode"]) if state["Status"] == "exited" else "is " + state["Status"]

    def version(self):
        """Return nginx's version as a tuple of three numbers."""
        command = [self.program, "-V"]
        if self.running:
            ok, text = self.run_until(parse_version, command)
        else:
            ok, text = self._throw_away(self.container["Image"], command)
        found = parse_version(text)
        if not ok or found is None:
            raise EdgeError(
                f"'{self.program} -V' in {self.name} shows no version of nginx, OpenResty or Angie, the supported "
                f"servers; it shows: {text.strip()[:300]}"
            )
        return found

    def path(self, name):
        """Return the path at which nginx sees the file ``name`` of the conf dir."""
        return os.path.join(self._inside, name)

    def on_target(self, path):
        """Return the target's path of a path in nginx's container. None if no mount contains it."""
        for mount in sorted(self._mounts(), key=lambda mount: len(mount["Destination"]), reverse=True):
            if is_within(path, mount["Destination"]):
                return os.path.normpath(os.path.join(mount["Source"], os.path.relpath(path, mount["Destination"])))
        return None

    def judge(self, files):
        """Test the files beside nginx itself. If only root could do that, or if nginx does not run, test them in a
        throw-away container that resembles nginx's."""
        master = self.processes()[0] if self.running and os.geteuid() == 0 else None
        if master:
            try:
                return self._judge_beside(master[0], files)
            except (OSError, subprocess.SubprocessError):
                pass  # the kernel does not allow it, as on file systems without overlays, or nginx has ended
        return self._judge_apart(files)

    def _judge_beside(self, master, files):
        environ = dict(entry.split("=", 1) for entry in self.container["Config"].get("Env") or [] if "=" in entry)
        environ.setdefault("PATH", DEFAULT_PATH)
        code, stdout, stderr = run_in_private_root(
            master, self.nginx("-T"), environ, lambda root: put_files(root + self._inside, files)
        )
        return code == 0, (stderr + stdout).decode("utf-8", "replace")  # separated, as in run()

    def _judge_apart(self, files):
        """Test the files in another container. Any user of Docker can do that, because the Engine reads the files."""
        identity = self.container["Id"]
        size = self.engine.layer_size(identity)
        if size > LARGEST_LAYER:
            raise EdgeError(
                f"{self.name} has written {size / 1e9:.1f} GB outside its mounts, and each test of a new file would "
                "copy that; mount a volume for its caches and logs, or run with become while nginx runs"
            )
        image = self.engine.copy_layer(identity, self._labels())
        try:
            conf_dir = self._read_conf_dir()
            places = [os.path.relpath(mount["Destination"], self._inside) for mount in self.container["Mounts"]]
            mounted = [place for place in places if place != "."]
            return self._throw_away(image, self.nginx("-T"), with_files(conf_dir, files, mounted))
        finally:
            self.engine.call(self.engine.api.remove_image, image)

    def _read_conf_dir(self):
        try:
            return self.engine.archive(self.container["Id"], self._inside + "/.")
        except EngineError as error:  # as with a mount below a read-only one
            raise EdgeError(
                f"{self._inside} of {self.name} can't be copied to test a new file ({error}); run with become while "
                "nginx runs, because the test then needs no copy"
            ) from error

    def run(self, argv):
        """Run a command in the container. Return ``(ok, its output)``."""
        try:
            code, stdout, stderr = self.engine.execute(self.name, argv)
        except EngineError as error:
            raise EdgeError(f"{self.name} was stopped or replaced during '{' '.join(argv)}': {error}") from error
        # Errors first: in a mixed output, a word of stderr may be in the middle of a line of a dump.
        return code == 0, (stderr + stdout).decode("utf-8", "replace")

    def root(self):
        """Return the root of nginx's process tree."""
        return self.container["State"]["Pid"]

    def _worker_sockets(self, pids):
        found = super()._worker_sockets(pids)
        if found is not None:
            return found
        # Root in the container sees what another user of the target does not. There, the process ids differ.
        inside = {pid: status_of(pid).get("NSpid", "").split()[-1:] for pid in pids}
        listed = {
            pid: self._execute_as_root(["ls", "-l", f"/proc/{other[0]}/fd"]) for pid, other in inside.items() if other
        }
        if any(text is None for text in listed.values()):
            return None
        return {pid: socket_inodes(text) for pid, text in listed.items()}

    def _execute_as_root(self, argv):
        """Return the output of a command that root runs in the container. None if it fails."""
        try:
            code, stdout, _stderr = self.engine.execute(self.name, argv, privileged=True)
        except EngineError:
            return None
        return stdout.decode("utf-8", "replace") if code == 0 else None

    def log_tail(self):
        """Return the last lines that nginx logged, if its log is the container's."""
        try:
            return self.engine.log_tail(self.name, LOG_LINES)
        except EngineError:
            return []  # the logging driver can't be read

    def launch(self):
        # If nginx crashes and restarts, a start alone does nothing.
        self.engine.call(self.engine.api.restart, self.name)
        self.refresh()

    def refresh(self):
        """Inspect the container again."""
        self.container = self.engine.inspect(self.name) or self.container

    def _settle(self):
        """Inspect the container until it is clear whether nginx runs. While nginx restarts after a crash, it has no
        worker process for a moment, or for as long as it waits for a name server."""
        began = time.monotonic()
        unseen = 0  # looks in a row
        while True:
            self.container = self.engine.inspect(self.name)
            if self.container is None:
                raise EdgeError(
                    f"bluegreen_nginx_container is {self.name!r}, but there is no such container; start nginx's "
                    "container, or correct the name. If nginx is a service of your Compose files, create it with "
                    "docker compose up --no-start --no-deps SERVICE, and the deploy starts it"
                )
            if not self.running or self.workers() or time.monotonic() - began > START_PATIENCE:
                return
            unseen = 0 if status_of(self.root()) else unseen + 1
            if unseen == UNSEEN_LOOKS:
                raise EdgeError(
                    f"nginx's processes in {self.name} are not visible, because /proc is mounted with hidepid or the "
                    "Engine runs on another machine, so the role can't prove a reload; run with become, or on that "
                    "machine"
                )
            time.sleep(0.1)

    def _mounts(self):
        """Return the mounts of the target's files. The inner one of nested mounts applies."""
        return [mount for mount in self.container["Mounts"] if mount.get("Source")]

    def _path_inside(self):
        real = os.path.realpath(self.conf_dir)
        bound = [(os.path.realpath(each["Source"]), each["Destination"]) for each in self._mounts()]
        for source, destination in sorted(bound, key=lambda each: len(each[0]), reverse=True):
            if is_within(real, source):
                return os.path.normpath(os.path.join(destination, os.path.relpath(real, source)))
        mounts = ["{} at {}".format(mount.get("Source"), mount["Destination"]) for mount in self.container["Mounts"]]
        raise EdgeError(
            "bluegreen_nginx_conf_dir is {!r}, but {} does not mount that directory, so nginx would not see the role's "
            "files; mount the directory itself and not single files (it has {})".format(
                self.conf_dir, self.name, ", ".join(mounts) or "no mounts"
            )
        )

    def _refuse_single_files(self):
        for mount in self.container["Mounts"]:
            directory, name = os.path.split(mount["Destination"])
            if directory == self._inside and name.startswith("bluegreen"):
                raise EdgeError(
                    f"{self.name} mounts the single file {mount['Destination']}, so nginx would not see a replaced "
                    "file; remove that mount, and mount the directory itself"
                )

    def _check_network(self):
        network = self.network
        mode = self.container["HostConfig"].get("NetworkMode", "")
        if mode in ("host", "none") or mode.startswith("container:"):
            shares = "another container's network" if mode.startswith("container:") else f"network_mode: {mode}"
            raise EdgeError(
                f"{self.name} has {shares}, so nginx can't find the app's containers; give its service 'ports' and "
                f"'networks: [{network}]' instead and recreate it (docker compose up -d), or run nginx on the target "
                "itself with bluegreen_nginx_mode: host"
            )
        if network not in [entry["Name"] for entry in self.engine.call(self.engine.api.networks, names=[network])]:
            raise EdgeError(
                f"bluegreen_network is {network!r}, but there is no such network; create it (docker network create "
                f"{network}) and connect nginx to it"
            )
        joined = self.container["NetworkSettings"]["Networks"]
        if network not in joined:
            raise EdgeError(
                "bluegreen_network is {0!r}, but {1} is on {2} instead, so nginx can't reach the app; connect it "
                "(docker network connect {0} {1}) or correct the name".format(
                    network, self.name, ", ".join(sorted(joined)) or "none"
                )
            )

    def tidy(self, app):
        super().tidy(app)
        label = f"{JUDGE}={self.scratch_dir}"
        api = self.engine.api
        for left in self.engine.list_containers([label]):
            self.engine.call(api.remove_container, left["Id"], force=True, v=True)
        for left in self.engine.call(api.images, quiet=True, filters={"label": label}):
            self.engine.call(api.remove_image, left, force=True)

    def _find_program(self):
        """Return nginx's program and the arguments that every call of it needs."""
        config = self.container["Config"]
        words = (config.get("Entrypoint") or []) + (config.get("Cmd") or [])
        found = program_and_arguments(words)
        if found is None and self.running and self.processes()[0]:
            # A script starts nginx. The title of the master process has its command after a colon.
            title = title_of(self.processes()[0][0]).partition(": ")[2]
            found = program_and_arguments(title.replace("[", " ").replace("]", " ").split(), but="-g")
        return found or (PROGRAMS[0], [])

    def _labels(self):
        """Return the labels for the objects of a test. Otherwise they would have the labels of nginx's container and
        count as such."""
        return {**dict.fromkeys(self.container["Config"].get("Labels") or {}, ""), JUDGE: self.scratch_dir}

    def _throw_away(self, image, command, conf_dir=None):
        """Run a command in a new container that resembles nginx's. Return ``(ok, its output)``.

        ``conf_dir``: the content of its conf dir, a tar archive.
        """
        api = self.engine.api
        others = [name for name in self.container["NetworkSettings"]["Networks"] if name != self.network]
        created = self.engine.call(
            api.create_container,
            image,
            command=command,
            entrypoint=[],
            host_config=host_config_like(self.container, self.network, self._inside if conf_dir else None),
            labels=self._labels(),
        )
        try:
            for network in [] if self.running else others:
                self.engine.call(api.connect_container_to_network, created["Id"], network)
            if conf_dir:
                self.engine.call(api.put_archive, created["Id"], self._inside, conf_dir)
            self.engine.call(api.start, created["Id"])
            code = self.engine.call(api.wait, created["Id"])["StatusCode"]
            # Separated, as in run().
            text = b"".join(
                self.engine.call(api.logs, created["Id"], stdout=not errors, stderr=errors) for errors in (True, False)
            )
        finally:
            self.engine.call(api.remove_container, created["Id"], force=True, v=True)
        return code == 0, text.decode("utf-8", "replace")


def host_config_like(container, network, conf_dir):
    """Return the settings of a container that sees the same as ``container``, inspected, and that nothing can reach.

    ``network``: the first one that it joins if ``container`` does not run, otherwise it shares ``container``'s network;
    ``conf_dir``: where it has its own files, or None.
    """
    mounts = [
        {
            "Type": mount["Type"],
            "Source": mount["Name"] if mount["Type"] == "volume" else mount["Source"],
            "Target": mount["Destination"],
            "ReadOnly": not mount["RW"],
        }
        for mount in container["Mounts"]
        if mount["Type"] in ("bind", "volume") and os.path.normpath(mount["Destination"]) != conf_dir
    ]
    in_memory = [mount for mount in container["HostConfig"].get("Mounts") or [] if mount["Type"] == "tmpfs"]
    own = [{"Type": "volume", "Target": conf_dir, "VolumeOptions": {"NoCopy": True}}] if conf_dir else []
    running = container["State"]["Status"] == "running"
    return {
        **container["HostConfig"],
        **(dict.fromkeys(SETTINGS_OF_A_NETWORK) if running else {}),
        "NetworkMode": "container:" + container["Id"] if running else network,
        "Binds": None,
        "VolumesFrom": None,
        "Mounts": mounts + in_memory + own,
        "PortBindings": None,
        "PublishAllPorts": False,
        "RestartPolicy": {"Name": "no"},
        "AutoRemove": False,
        "LogConfig": {"Type": "json-file", "Config": {}},  # read here, removed with it, and not collected by others
    }


def with_files(archive, files, mounted):
    """Return a tar archive of a directory with ``files``, ``{name: content, or None to remove it}``, in it.

    ``mounted``: relative paths of mounts. Their content is left out, because it would be written to the mount.
    """
    made = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(archive)) as before, tarfile.open(fileobj=made, mode="w") as after:
        for member in before:
            name = posixpath.normpath(member.name)
            if name not in files and not any(is_within(name, path) for path in mounted):
                after.addfile(member, before.extractfile(member) if member.isreg() else None)
        for name, content in files.items():
            if content is not None:
                data = content.encode("utf-8")
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(data), file_mode(content)
                after.addfile(member, io.BytesIO(data))
    return made.getvalue()


def program_and_arguments(words, but=None):
    """Return nginx's program in a command, and those arguments that every other call needs as well. None if the command
    does not contain nginx. ``but``: a flag to leave out, because its value is not a single word."""
    place = next((place for place, word in enumerate(words) if _PROGRAM.fullmatch(word)), None)
    if place is None:
        return None
    own = words[place + 1 :]
    arguments = []
    for flag, value in zip(own, own[1:]):
        if flag in ("-c", "-e", "-g", "-p") and flag != but:
            arguments += [flag, value]
    return words[place], arguments
