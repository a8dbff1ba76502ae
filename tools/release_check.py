# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check the archive that a release publishes: build it, install it in a venv that has only its dependencies, and deploy
from it on this machine's Docker.

Prints a line for each step. The first step that fails ends the check, with the end of its output and exit status 1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / ".collections/ansible_collections/hotswap/compose"
NEEDED = ("community/docker", "community/library_inventory_filtering_v1")
"""The collections that ours needs, as `make setup` got them: Galaxy need not answer."""

WORK = ROOT / ".cache/release"
BIN = WORK / "venv/bin"
COLLECTIONS = WORK / "collections"
INSTALLED = COLLECTIONS / "ansible_collections/hotswap/compose"

DIRECTORIES = {
    *("LICENSES", "changelogs", "docs", "examples", "extensions", "meta", "playbooks", "plugins", "roles"),
}
PLAYBOOKS = ("abort", "deploy", "history", "promote", "rollback", "status", "unlock")
PUBLIC_MODULES = {"bluegreen_history_info", "bluegreen_info", "compose_health_wait"}

APP = "release-check"
NGINX_IMAGE = "hotswap/nginx:1.30"
OUTPUT_LINES = 40


class Failed(Exception):
    """A step failed. The text is what the person reads."""


def main():
    began = time.monotonic()
    shutil.rmtree(WORK, ignore_errors=True)
    WORK.mkdir(parents=True)
    (WORK / "ansible.cfg").write_text("[defaults]\n")  # so that no other one is read
    try:
        for step in (build, contents, links, install, documentation, deploy):
            print(f"{step.__name__:<14}", end=" ", flush=True)
            print(step())
    except Failed as failure:
        print(f"FAILED\n{failure}")
        sys.exit(1)
    print(f"release-check  ok in {time.monotonic() - began:.0f} s")


def build():
    run(ROOT / ".venv/bin/ansible-galaxy", "collection", "build", "--output-path", WORK, TREE)
    path = archive()
    with tarfile.open(path) as tar:
        files = sum(not member.isdir() for member in tar)
    return f"{path.name}: {files} files, {path.stat().st_size / 1e6:.1f} MB"


def archive():
    (path,) = WORK.glob("hotswap-compose-*.tar.gz")
    return path


def contents():
    """The archive has the directories that it ships, and no other."""
    directories = {name.split("/")[0] for name in names() if "/" in name}
    if directories != DIRECTORIES:
        raise Failed(
            f"not shipped: {listed(DIRECTORIES - directories)}; shipped by mistake: "
            f"{listed(directories - DIRECTORIES)}. Correct build_ignore in galaxy.yml"
        )
    return listed(DIRECTORIES)


def links():
    """Each relative link of a page leads to a file of the archive."""
    shipped = {PurePosixPath(name) for name in names()}
    shipped |= {parent for path in shipped for parent in path.parents}
    pages = sorted(path for path in shipped if path.suffix == ".md")
    found, broken = 0, []
    with tarfile.open(archive()) as tar:
        for page in pages:
            text = tar.extractfile(str(page)).read().decode()
            text = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                path = target.partition("#")[0]
                if not path or ":" in path:
                    continue
                found += 1
                if PurePosixPath(os.path.normpath(page.parent / path)) not in shipped:
                    broken.append(f"{page}: {target}")
    if broken:
        raise Failed("these links lead to no file of the archive:\n" + "\n".join(broken))
    return f"{found} relative links of {len(pages)} pages lead to files of the archive"


def names():
    with tarfile.open(archive()) as tar:
        return [member.name for member in tar if not member.isdir()]


def install():
    """A venv with ansible-core and the two packages that modules import, and the collection with those it needs."""
    wanted = ["ansible-core", *(ROOT / "meta/ee-requirements.txt").read_text().split("\n", 1)[1].split()]
    run(sys.executable, "-m", "venv", WORK / "venv")
    run(BIN / "pip", "install", "--quiet", "--disable-pip-version-check", *wanted)
    needed = [ROOT / ".collections/ansible_collections" / name for name in NEEDED]
    run(BIN / "ansible-galaxy", "collection", "install", "--offline", "-p", COLLECTIONS, *needed, archive())
    run(BIN / "ansible-galaxy", "collection", "verify", "--offline", "hotswap.compose")
    packages = json.loads(run(BIN / "pip", "list", "--format", "json"))
    versions = [f"{each['name']} {each['version']}" for each in packages if each["name"] in wanted]
    manifest = json.loads((COLLECTIONS / "ansible_collections/community/docker/MANIFEST.json").read_text())
    return listed([*versions, f"community.docker {manifest['collection_info']['version']}"])


def documentation():
    """ansible-doc lists what is public, and each playbook is found by name."""
    listing = json.loads(run(BIN / "ansible-doc", "--list", "--json", "hotswap.compose"))
    modules = {name.rpartition(".")[2]: summary for name, summary in listing.items()}
    public = {name for name, summary in modules.items() if not summary.startswith("(private) ")}
    if public != PUBLIC_MODULES:
        raise Failed(f"ansible-doc lists as public: {listed(public)}; it must list {listed(PUBLIC_MODULES)}")
    filters = json.loads(run(BIN / "ansible-doc", "--type", "filter", "--list", "--json", "hotswap.compose"))
    for name in PLAYBOOKS:
        run(BIN / "ansible-playbook", "--syntax-check", f"hotswap.compose.{name}")
    return f"{len(modules)} modules ({len(public)} public), {len(filters)} filters, {len(PLAYBOOKS)} playbooks"


def deploy():
    """v1, v2, v3 which is never healthy, and back to v1, behind an nginx that the role runs."""
    port = free_port()
    inventory = WORK / "inventory.json"
    inventory.write_text(json.dumps({"bluegreen": {"hosts": {"localhost": variables(port)}}}))
    took = []

    def take(playbook, release, outcome, serving):
        began = time.monotonic()
        command = [BIN / "ansible-playbook", "-i", inventory, f"hotswap.compose.{playbook}"]
        run(*command, "-e", f"bluegreen_release={release}", expected=outcome != "rejected")
        found = (last_outcome(), released(port))
        if found != (outcome, serving):
            raise Failed(f"{playbook} {release} ended as {found}, and must end as {(outcome, serving)}")
        took.append(f"{outcome} {release} {time.monotonic() - began:.0f} s")

    try:
        take("deploy", "v1", "deployed", "v1")
        take("deploy", "v2", "deployed", "v2")
        take("deploy", "v3", "rejected", "v2")
        take("rollback", "v1", "rolled_back", "v1")
        run(BIN / "ansible-playbook", "-i", inventory, "hotswap.compose.status")
    finally:
        remove()
    return listed(took, sort=False)


def variables(port):
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": str(BIN / "python"),
        "bluegreen_app": APP,
        "bluegreen_project_src": str(INSTALLED / "examples/shop"),
        "bluegreen_compose_files": ["compose.yml"],
        "bluegreen_services": [{"name": "was", "port": 3000}, {"name": "signal", "port": 3001}],
        "bluegreen_pull": "never",
        "bluegreen_health_timeout": 60,
        "bluegreen_drain_timeout": 5,
        "bluegreen_smoke_tests": [{"service": "was", "path": "/", "jmespath": "app == 'shop-was'"}],
        "bluegreen_network": APP,
        "bluegreen_nginx_manage": True,
        "bluegreen_nginx_image": NGINX_IMAGE,
        "bluegreen_nginx_container": f"{APP}-nginx",
        "bluegreen_nginx_conf_dir": str(WORK / "conf.d"),
        "bluegreen_nginx_ports": [f"127.0.0.1:{port}:80"],
        "bluegreen_state_dir": str(WORK / "state"),
        "bluegreen_vhost": {"server_names": [f"{APP}.example"], "locations": [{"path": "/", "service": "was"}]},
    }


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def last_outcome():
    """Return how the last run ended, as its history has it."""
    lines = (WORK / "state" / APP / "history.jsonl").read_text().splitlines()
    return json.loads(lines[-1])["outcome"]


def released(port):
    """Return the release that answers."""
    request = urllib.request.Request(f"http://127.0.0.1:{port}/", headers={"Host": f"{APP}.example"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["release"]
    except (OSError, ValueError) as error:
        return str(error)


def remove():
    """Remove what the deploys made: all of it has the name of the app."""
    for kind, options in (("container", ["--force", "--volumes"]), ("network", [])):
        every = ["--all"] if kind == "container" else []
        found = run("docker", kind, "ls", *every, "--quiet", "--filter", f"name=^{APP}(-|$)").split()
        if found:
            run("docker", kind, "rm", *options, *found)


def run(*command, expected=True):
    """Return what a command prints. ``expected``: whether it must succeed, or fail."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("ANSIBLE_", "BLUEGREEN_", "PYTHON"))}
    own = {
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_HOME": str(WORK / "ansible"),
        "ANSIBLE_NOCOLOR": "true",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        [str(word) for word in command],
        cwd=WORK,
        env={**kept, **own},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if (done.returncode == 0) != expected:
        end = (done.stdout + done.stderr).splitlines()[-OUTPUT_LINES:]
        shown = " ".join(map(str, command))
        raise Failed("\n".join([*end, f"{shown}: exit status {done.returncode}"]))
    return done.stdout


def listed(words, sort=True):
    return ", ".join(sorted(words) if sort else words) or "nothing"


if __name__ == "__main__":
    main()
