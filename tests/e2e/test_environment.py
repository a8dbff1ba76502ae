# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A target or an inventory that can't do it: one clear message, and nothing is started or left behind."""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import subprocess
import sys

import pytest

OLD_COMPOSE = """\
#!/bin/sh
case "$*" in
*"compose version"*) echo "Docker Compose version v2.3.3"; exit 0 ;;
*) echo "unknown flag: --format" >&2; exit 16 ;;
esac
"""
NO_COMPOSE = """\
#!/bin/sh
echo "docker: 'compose' is not a docker command. See 'docker --help'" >&2
exit 1
"""


@pytest.fixture(scope="module")
def site(site):
    site.image("v1")
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    return site


@pytest.fixture
def refused(site):
    """Return a function that runs a deploy which must be refused, and returns the message."""

    def refused(hosts=None, environment=None, arguments=()):
        before = site.snapshot()
        run = site.play("deploy", environment, arguments, hosts, release="v1").failed()
        assert site.snapshot() == before
        assert not site.state.exists()
        assert "Traceback" not in run.stdout + run.stderr
        assert len(run.messages()) == 1
        return run.message

    return refused


def test_docker_that_does_not_run(refused):
    message = refused(environment={"DOCKER_HOST": "unix:///nonexistent/docker.sock"})
    for word in ("no Docker Engine answers at unix:///nonexistent/docker.sock", "start it"):
        assert word in message, word


def test_no_permission_on_the_socket(refused, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become another user without a password")
    nobody = pwd.getpwnam("nobody")
    become = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups", sys.executable]
    if subprocess.run([*become, "-c", ""], capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{sys.executable} lies where only its owner may go")
    shell = tmp_path / "python"
    shell.write_text(f'#!/bin/sh\nexec {" ".join(become)} "$@"\n')
    shell.chmod(0o755)
    message = refused(hosts={"target": {"ansible_python_interpreter": str(shell)}})
    for word in ("no permission to use the Docker Engine", "become", "group"):
        assert word in message, word


def test_python_without_the_docker_sdk(refused, tmp_path):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    bare = tmp_path / "bare" / "bin" / "python3"
    message = refused(hosts={"target": {"ansible_python_interpreter": str(bare)}})
    for word in ("Docker SDK for Python is missing", str(bare), "python3-docker", "ansible_python_interpreter"):
        assert word in message, word


@pytest.mark.parametrize(
    "docker, words",
    [(NO_COMPOSE, ["Compose", "is not a docker command", "install"]), (OLD_COMPOSE, ["Compose", "2.3.3", "update"])],
    ids=["missing", "old"],
)
def test_compose_that_is_missing_or_too_old(refused, tmp_path, docker, words):
    (tmp_path / "docker").write_text(docker)
    (tmp_path / "docker").chmod(0o755)
    message = refused(environment={"PATH": f"{tmp_path}:{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"})
    for word in words:
        assert word in message, word


def test_docker_command_that_is_missing(refused, tmp_path):
    for tool in ("sh", "env", "uname"):
        os.symlink(shutil.which(tool), tmp_path / tool)
    os.symlink(pathlib.Path(sys.executable).parent / "ansible-playbook", tmp_path / "ansible-playbook")
    message = refused(environment={"PATH": str(tmp_path)})
    for word in ("docker command is missing", "install"):
        assert word in message, word


def test_target_that_no_host_matches(site):
    before = site.snapshot()
    for arguments in (["-e", "bluegreen_target=web"], ["--limit", "elsewhere,localhost"]):
        run = site.play("deploy", arguments=arguments, release="v1")
        assert run.rc != 0
        assert "no host" in run.stdout or "match" in run.stderr
    assert site.snapshot() == before
