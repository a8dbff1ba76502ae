# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The user's own tasks on the way: when they run, what they know, and what becomes of one that fails."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from sites import ROOT

NAMES = ("before_start", "before_swap", "after_swap", "after_retire", "on_failure", "on_rollback")
NOTE = """\
- name: Note what is known
  ansible.builtin.copy:
    content: "{{ bluegreen_hook | to_json }}\\n"
    dest: "@directory@/{{ bluegreen_hook.name }}.json"
    mode: "0600"
- name: Fail where this one is to
  ansible.builtin.fail:
    msg: "{{ bluegreen_hook.name }} does not like it"
  when: bluegreen_hook.name == failing | default('')
"""


@pytest.fixture(scope="module")
def site(site):
    for release in ("v1", "v2", "v3"):
        site.image(release)
    return site


@pytest.fixture
def hooks(site, tmp_path):
    """Every hook notes what it is told; ``hooks.ran()`` returns that by name."""
    return Hooks(tmp_path)


class Hooks(dict):
    def __init__(self, directory):
        self.directory = directory
        (directory / "note.yml").write_text(NOTE.replace("@directory@", str(directory)))
        (directory / "import.yml").write_text("- name: Import a file beside this one\n  import_tasks: note.yml\n")
        super().__init__(dict.fromkeys(NAMES, str(directory / "import.yml")))

    def ran(self):
        notes = sorted(self.directory.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        return {path.stem: json.loads(path.read_text()) for path in notes}


def failing(name):
    return ["-e", f"failing={name}"]


def test_hooks_of_a_deploy(site, hooks):
    site.first_deploy("v1")
    run = site.deploy("v2", hooks=hooks).succeeded()
    ran = hooks.ran()
    assert list(ran) == ["before_start", "before_swap", "after_swap", "after_retire"]
    for told in ran.values():
        assert (told["app"], told["release"], told["color"]) == (site.app, "v2", "green")
        assert (told["previous_release"], told["previous_color"], told["error"]) == ("v1", "blue", None)
    assert ran["before_start"]["containers"] == []
    assert [each["verdict"] for each in ran["before_swap"]["containers"]] == ["ready"]
    assert "swap" in ran["after_retire"]["phases"]
    assert run.result["outcome"] == "deployed"
    assert site.deploy("v2", hooks=hooks).succeeded().changed == 0
    assert hooks.ran() == ran


def test_hook_that_fails_before_the_start_leaves_the_idle_color_alone(site, hooks):
    """It still is what a rollback starts."""
    idle = site.containers("blue").keys()
    migrate = {"service": "web-{color}", "command": "false"}  # would fail before it
    run = site.deploy("v3", hooks=hooks, migrate=migrate, arguments=failing("before_start")).failed()
    assert "was rejected in the hook before_start: before_start does not like it" in run.message
    assert "Next: fix the hook before_start, then run:\n  ansible-playbook" in run.message
    assert (run.result["outcome"], list(hooks.ran())) == ("rejected", ["before_start", "on_failure"])
    assert site.containers("blue").keys() == idle


@pytest.mark.long
def test_hook_that_fails_before_the_swap_refuses_the_release(site, hooks):
    with site.load() as load:
        run = site.deploy("v3", hooks=hooks, arguments=failing("before_swap")).failed()
    load.lost_nothing()
    assert (run.result["outcome"], load.releases) == ("rejected", {"v2"})
    assert "before_swap does not like it" in run.message
    ran = hooks.ran()
    assert list(ran) == ["before_start", "before_swap", "on_failure"]
    assert ran["on_failure"]["error"] == "before_swap does not like it"
    assert ran["on_failure"]["result"]["outcome"] == "rejected"


DEADLY = """\
- name: Take long, and have the app die meanwhile
  ansible.builtin.command: docker exec {{ bluegreen_hook.containers[0].name }} sh -c 'kill 1'
- name: Give it the time to come back
  ansible.builtin.pause:
    seconds: 4
"""


def test_app_that_dies_in_a_hook_before_the_swap_gets_no_traffic(site, tmp_path):
    """Its restart policy has it back by then."""
    (tmp_path / "deadly.yml").write_text(DEADLY)
    with site.load() as load:
        run = site.deploy("v3", hooks={"before_swap": str(tmp_path / "deadly.yml")}).failed()
    load.lost_nothing()
    assert (run.result["outcome"], load.releases) == ("rejected", {"v2"})
    assert "was restarted once (none allowed)" in run.message
    assert "after it had passed its health checks" in run.message
    assert "log: release v3 boots and is healthy" in run.message
    assert "Traffic: v2 (green) keeps it." in run.message
    assert site.containers("blue") == {}


def test_hook_that_fails_after_the_swap_gives_the_traffic_back(site, hooks):
    with site.load() as load:
        run = site.deploy("v3", hooks=hooks, arguments=failing("after_swap")).failed()
    load.lost_nothing()
    assert (run.result["outcome"], load.releases) == ("rolled_back", {"v2", "v3"})
    assert list(hooks.ran()) == ["before_start", "before_swap", "after_swap", "on_rollback", "on_failure"]
    site.serves("v2", "green")


@pytest.mark.parametrize("name", ["after_retire", pytest.param("on_rollback", marks=pytest.mark.long)])
def test_hook_that_fails_afterwards_changes_nothing(site, hooks, name):
    run = site.rollback if name == "on_rollback" else lambda **more: site.deploy("v3", **more)
    result = run(hooks=hooks, arguments=failing(name)).succeeded().result
    assert name in hooks.ran()
    assert [warning for warning in result["warnings"] if f"{name} failed: {name} does not like it" in warning]
    site.serves(result["release"])


@pytest.mark.parametrize(
    "path, words", [("/nowhere/notify.yml", ["does not exist on the controller"]), ("notify.yml", ["absolute path"])]
)
def test_hook_without_a_file_is_refused_before_anything_starts(site, path, words):
    is_refused(site, path, words)


@pytest.mark.parametrize(
    "text, words",
    [
        ("- name: [", ["can't be loaded"]),
        ("tasks: []", ["can't be loaded", "must contain a list of tasks"]),
        ("- name: Tell them\n  nowhere.chat.tell:\n    text: done\n", ["can't be loaded", "nowhere.chat.tell"]),
    ],
    ids=["syntax", "mapping", "module"],
)
def test_hook_that_cannot_be_loaded_is_refused_before_anything_starts(site, tmp_path, text, words):
    (tmp_path / "hook.yml").write_text(text)
    is_refused(site, str(tmp_path / "hook.yml"), words)


def is_refused(site, path, words):
    before = site.snapshot()
    run = site.deploy("v3", hooks={"on_failure": path}).failed()
    for word in ["bluegreen_hooks", repr(path), "on_failure", *words]:
        assert word in run.message, run.message
    assert site.snapshot() == before


def test_hook_whose_task_has_no_log_is_not_quoted(site, tmp_path):
    text = "- name: Fail\n  ansible.builtin.fail:\n    msg: t0ps3cret\n  no_log: true\n"
    (tmp_path / "hook.yml").write_text(text)
    run = site.deploy(site.other(), hooks={"before_start": str(tmp_path / "hook.yml")}).failed()
    assert "t0ps3cret" not in run.message + json.dumps(run.result)
    assert "has no_log" in run.message


class Webhook(BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_args):
        pass


def test_the_example_posts_the_result(site):
    server = HTTPServer(("127.0.0.1", 0), Webhook)
    server.got = []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        hook = str(ROOT / "examples" / "hooks" / "webhook.yml")
        url = ["-e", f"webhook_url=http://127.0.0.1:{server.server_port}/"]
        site.deploy("v3", hooks={"on_failure": hook}, arguments=url, env={"BEHAVIOUR": "exit"}).failed()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(server.got) == 1
    assert f"{site.app} v3" in server.got[0]["text"]
    assert server.got[0]["result"]["outcome"] == "rejected"
