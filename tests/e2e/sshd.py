# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An ssh server for the tests that need one."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import socket
import subprocess


class Sshd:
    """An ssh server with keys and a port of its own, through which a controller reaches this machine as root."""

    def __init__(self, directory):
        self.directory = directory
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        for name in ("host", "user"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        (directory / "authorized").write_text((directory / "user.pub").read_text())
        (directory / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {directory}/host\n"
            f"AuthorizedKeysFile {directory}/authorized\n"
            f"PidFile {directory}/pid\nStrictModes no\nUsePAM no\nSubsystem sftp internal-sftp\n"
        )
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)
        self.start()

    def start(self):
        self.process = subprocess.Popen(["/usr/sbin/sshd", "-D", "-f", str(self.directory / "config")])

    def stop(self, everything=False):
        """Stop it and close its connections. Processes that were started through them continue, unless ``everything``
        is stopped."""
        listed = subprocess.run(["ps", "-eo", "pid,ppid,comm"], capture_output=True, text=True, check=True).stdout
        rows = [line.split() for line in listed.splitlines()[1:]]
        mine = {str(self.process.pid)}
        for pid, parent, comm in rows * 2:  # a child may come before its parent
            if parent in mine and (everything or comm.startswith("sshd")):
                mine.add(pid)
        for pid in mine:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        self.process.wait()

    @property
    def hosts(self):
        options = f"-o UserKnownHostsFile={self.directory}/known -o StrictHostKeyChecking=no -o ControlPersist=20"
        return {
            "target": {
                "ansible_connection": "ssh",
                "ansible_host": "127.0.0.1",
                "ansible_port": self.port,
                "ansible_user": "root",
                "ansible_ssh_private_key_file": f"{self.directory}/user",
                "ansible_ssh_common_args": options,
            }
        }
