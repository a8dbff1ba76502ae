# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx as a service of the target itself. All of this needs root."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

from .._errors import EdgeError, UpstreamError
from .._files import temporary_directory
from .._nginx.configuration import main_setting
from .._nginx.version import PROGRAMS, parse_version
from .edge import Edge, put_files
from .processes import is_master, sockets_of

LOG_BYTES = 8192

_PATHS = re.compile(r"--(prefix|pid-path|error-log-path)=(\S+)")
# In a private mount namespace, the copy is mounted over the conf dir for this test only.
_TEST = 'mount --bind "$1" "$2" && exec "$3" -T'


class HostEdge(Edge):
    """nginx on the target, as a distribution installs it."""

    name = "the host"
    resolver = None
    address = "127.0.0.1"
    logs = "/var/log/nginx"

    def __init__(self, conf_dir, scratch_dir):
        super().__init__(conf_dir, scratch_dir)
        if os.geteuid() != 0:
            raise EdgeError(
                "bluegreen_nginx_mode is 'host', but only root can test and reload nginx on the host; run with become"
            )
        answers = {program: self.run([program, "-V"]) for program in PROGRAMS}
        found = [program for program, (ok, _text) in answers.items() if ok]
        if not found:
            raise EdgeError(
                "bluegreen_nginx_mode is 'host', but the target has no nginx; install it, or run nginx in a container"
            )
        self.program = found[0]
        self._built = answers[self.program][1]
        built_in = dict(_PATHS.findall(self._built))
        ok, text = self.dump()
        configured = text if ok else ""
        try:
            pid, error_log = (main_setting(configured, name) for name in ("pid", "error_log"))
        except UpstreamError as error:
            raise EdgeError(f"nginx's configuration (nginx -T) can't be read: {error}") from error
        prefix = built_in.get("prefix", "/usr/local/nginx")
        self._pid_file = os.path.join(prefix, (pid or [built_in.get("pid-path", "/run/nginx.pid")])[0])
        self._error_log = os.path.join(
            prefix, (error_log or [built_in.get("error-log-path", "/var/log/nginx/error.log")])[0]
        )

    @property
    def running(self):
        return self.root() is not None

    def describe_state(self):
        return f"has no process with the pid in {self._pid_file}"

    def version(self):
        """Return nginx's version as a tuple of three numbers."""
        return parse_version(self._built)

    def path(self, name):
        """Return the path at which nginx sees the file ``name`` of the conf dir."""
        return os.path.join(self.conf_dir, name)

    def on_target(self, path):
        """Return the target's path of a path that nginx sees."""
        return path

    def judge(self, files):
        """Test a copy of the conf dir in the place of the original, in a private mount namespace."""
        with temporary_directory(self.scratch_dir) as candidate:
            tree = os.path.join(candidate, "conf")
            shutil.copytree(self.conf_dir, tree, symlinks=True)
            put_files(tree, files)
            shell = ["sh", "-ec", _TEST, "sh", tree, self.conf_dir, self.program]
            return self.run(["unshare", "--mount", "--propagation", "private", *shell])

    def run(self, argv):
        """Run a command. Return ``(ok, its output)``."""
        environ = dict(os.environ, PATH=os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin", LC_ALL="C")
        try:
            # This may run in a thread, in which a module's run_command must not be used, because it may end the module.
            # pylint: disable-next=ansible-bad-function
            done = subprocess.run(argv, env=environ, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        except FileNotFoundError as error:
            return False, str(error)
        return done.returncode == 0, (done.stderr + done.stdout).decode("utf-8", "replace")

    def root(self):
        """Return the process id of nginx's master process, or None if it does not run."""
        try:
            with open(self._pid_file, encoding="ascii") as file:
                pid = int(file.read())
        except (OSError, ValueError):
            return None
        return pid if is_master(pid) else None

    def _sockets(self):
        return sockets_of(self.root())

    def log_tail(self):
        """Return the last lines of nginx's error log."""
        try:
            with open(self._error_log, "rb") as file:
                file.seek(max(0, os.path.getsize(self._error_log) - LOG_BYTES))
                return file.read(LOG_BYTES).decode("utf-8", "replace").splitlines()
        except OSError:
            return []

    def launch(self):
        argv = ["systemctl", "start", self.program] if os.path.isdir("/run/systemd/system") else [self.program]
        ok, text = self.run(argv)
        if not ok:
            raise EdgeError(f"nginx does not start: {text.strip()}")
