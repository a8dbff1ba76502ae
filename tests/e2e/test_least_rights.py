# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""On the target a user who is not root: the group docker, and directories of its own, are enough.

With the Python and the Docker SDK that Debian has, which any user can run.
"""

from __future__ import annotations

import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile

import pytest
from sites import ROOT, Site

USER = "hotswap-e2e"
CLOSED = "closed.conf"
# nginx's own configuration, as inline configs have it; the zone is used by a file that only root can read.
MAIN = """\
events {}
http {
    limit_req_zone $binary_remote_addr zone=perip:1m rate=9999r/s;
    include /etc/nginx/conf.d/*.conf;
}
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user")


class TheirSite(Site):
    """A site of that user."""

    def begin(self, name, environment=None, arguments=(), hosts=None, directory="run", **more):
        own = [self.directory, *self.conf.rglob("*"), self.conf, *self.src.rglob("*"), self.src]
        for path in own:
            shutil.chown(path, "root" if path.name == CLOSED else USER)
        hosts = {
            "target": {
                "ansible_become": True,
                "ansible_become_user": USER,
                "ansible_become_method": "ansible.builtin.su",
                "ansible_python_interpreter": "/usr/bin/python3",
            }
        }
        # root's cache of bytecode is closed to that user
        environment = dict(environment or {}, PYTHONPYCACHEPREFIX="")
        return super().begin(name, environment, arguments, hosts, directory, **more)


@pytest.fixture(scope="module")
def user():
    has_sdk = ["/usr/bin/python3", "-c", "import docker"]
    if subprocess.run(has_sdk, capture_output=True, check=False).returncode:
        subprocess.run([ROOT / "tools" / "apt-install.sh", "python3-docker"], check=True)
    subprocess.run(["useradd", "--system", "--groups", "docker", "--shell", "/bin/sh", USER], check=True)
    yield pwd.getpwnam(USER)
    subprocess.run(["userdel", USER], check=True)


@pytest.fixture(scope="module")
def site(app_image, user):
    with tempfile.TemporaryDirectory(prefix="least-rights-") as directory:
        os.chmod(directory, 0o755)
        (pathlib.Path(directory) / "site").mkdir()
        site = TheirSite("least-rights", pathlib.Path(directory) / "site")
        for release in ("v1", "v2"):
            site.image(release)
        site.write(CLOSED, "limit_req zone=perip burst=100;\n")
        (site.conf / CLOSED).chmod(0o600)
        site.start_nginx(wait=False, configs={"/etc/nginx/nginx.conf": MAIN})
        yield site
        site.close()


def test_deploy_and_rollback(site, user):
    site.deploy("v1").succeeded()
    with site.load() as load:
        run = site.deploy("v2").succeeded()
        back = site.rollback()
    load.lost_nothing()
    assert run.result["outcome"] == "deployed"
    assert back.succeeded().result["release"] == "v1"
    assert {path.stat().st_uid for path in site.files() if site.state in path.parents} == {user.pw_uid}


def test_a_state_directory_of_another_user(site):
    other = site.directory / "others"
    other.mkdir()
    shutil.chown(other, "daemon")
    for run in (site.check, site.deploy):
        assert "others belongs to another user" in run("v2", state_dir=str(other)).failed().message


def test_what_is_missing_is_said(site):
    subprocess.run(["gpasswd", "--delete", USER, "docker"], check=True, capture_output=True)
    message = site.deploy("v2").failed().message
    assert "no permission to use the Docker Engine" in message
    assert "become" in message
