# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release that is refused before the swap: the old color keeps the traffic, and nothing of the new one stays."""

from __future__ import annotations

import json
import re
import socket
import textwrap

import pytest


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from green; v0 is stopped in blue, for a rollback."""
    for release in ("v0", "v1", "v2"):
        site.image(release)
    site.first_deploy("v0")
    site.deploy("v1").succeeded()
    return site


@pytest.fixture
def untouched(site):
    """Whatever the test does, under load: v1 serves every request, and the host is as it was."""
    before = site.snapshot()
    with site.load() as load:
        yield before
    load.lost_nothing()
    assert load.releases == {"v1"}
    after = site.snapshot()
    assert after["images"] == before["images"]
    assert set(after["containers"]) <= set(before["containers"])
    assert site.states("green") == {"running"}
    assert told(after) == told(before)
    assert after["files"].keys() <= before["files"].keys()
    assert site.journal()["unfinished"] is None


def told(snapshot):
    """Return what nginx is told, without our comments, and what a rollback would run from."""
    return {
        path: [line for line in text.splitlines() if not line.startswith(b"#")]
        for path, text in snapshot["files"].items()
        if not path.endswith("journal.json")
    }


def swapped(run):
    return any((task["phase"], task["action"]) == ("handlers", "hotswap.compose.bluegreen_swap") for task in run.tasks)


def rejected(run, phase, *words):
    """``phase``: in which the release was refused; one of several where that depends on how fast Compose is."""
    assert run.failed().result["outcome"] == "rejected"
    assert (run.result["active_color"], run.result["release"]) == ("green", "v1")
    assert re.search(f"was rejected in the phase ({phase})\\b", run.message), run.message
    assert "Traffic: v1 (green) keeps it." in run.message
    for word in words:
        assert word in run.message, word
    return run


def test_image_that_cannot_be_pulled(site, untouched):
    """Nothing has started yet, so the stopped color stays ready for a rollback."""
    run = rejected(site.deploy("v2", pull="always", env={"IMAGE": "127.0.0.1:1/app"}), "prepare", "127.0.0.1:1")
    assert "Next: check that the registry has 127.0.0.1:1/app:v2, or set bluegreen_registry" in run.message
    assert "then run:\n  ansible-playbook " in run.message
    assert site.snapshot()["containers"] == untouched["containers"]


def test_never_healthy(site, untouched):
    run = rejected(
        site.deploy("v2", env={"BEHAVIOUR": "never-healthy"}), "gate", "unhealthy", "health check: ", "is never-healthy"
    )
    assert not swapped(run)
    assert [record["outcome"] for record in site.journal()["releases"]] == [
        "deployed",
        "deployed",
        "rejected",
        "rejected",
    ]


def test_exits_at_once_is_known_at_once(site, untouched):
    run = site.deploy("v2", env={"BEHAVIOUR": "exit"})
    rejected(run, "start|gate", "exit", "log: release v2 boots and is exit")
    assert run.result["phases"].get("gate", 0) < 15


def test_port_that_is_taken(site, untouched):
    ports = "services:\n  web-blue:\n    ports: ['127.0.0.1:{0}:3000']\n"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with site.compose_file("ports.blue.yml", ports.format(port)), site.compose_file(
            "ports.green.yml", "services: {}\n"
        ):
            files = ["compose.{color}-deploy.yml", "ports.{color}.yml"]
            rejected(site.deploy("v2", compose_files=files), "start", str(port))


def test_service_that_crashes_beside_the_one_with_traffic(site, untouched):
    beside = """
    services:
      worker:
        image: @site@/app:v2
        command: [python3, -c, 'print("no queue"); raise SystemExit(5)']
    """
    with site.compose_file("worker.yml", textwrap.dedent(site.text(beside))):
        run = site.deploy("v2", compose_files=["compose.{color}-deploy.yml", "worker.yml"])
    rejected(run, "start|gate", "worker", "log: no queue")


BESIDE = """
services:
  web-@color@:
    depends_on:
      beside: {condition: @condition@}
  beside:
    image: @site@/app:v2
    command: [python3, -c, 'import time; print("no queue", flush=True); @then@']
    healthcheck:
      test: [CMD, sh, -c, 'echo not yet; exit 1']
      interval: 1s
      retries: 2
      disable: @unchecked@
"""


@pytest.mark.parametrize(
    "condition, then, words",
    [
        (
            "service_completed_successfully",
            "time.sleep(600)",
            ["timed out after 20 s", "beside-1 has not completed yet", "log: no queue"],
        ),
        ("service_completed_successfully", "raise SystemExit(5)", ["beside-1 exited with 5", "log: no queue"]),
        ("service_healthy", "time.sleep(600)", ["beside-1 is unhealthy", "health check: ", "not yet", "log: no queue"]),
    ],
    ids=["init-never-ends", "init-fails", "dependency-is-unhealthy"],
)
def test_what_another_service_waits_for(site, untouched, condition, then, words):
    """Compose itself would wait for it without limit, and not say why it failed."""
    text = BESIDE.replace("@condition@", condition).replace("@then@", then)
    text = text.replace("@unchecked@", "false" if condition == "service_healthy" else "true")
    files = ["compose.{color}-deploy.yml", "beside.{color}.yml"]
    with site.compose_file("beside.blue.yml", site.text(text, "blue")), site.compose_file(
        "beside.green.yml", site.text(text, "green")
    ):
        run = rejected(site.deploy("v2", compose_files=files, health_timeout=20), "start", *words)
    assert run.result["phases"]["start"] < 30
    assert site.lock() is None
    assert site.containers("blue") == {}


@pytest.mark.long
def test_refusal_can_be_rescued_and_its_result_read(site, untouched):
    play = [
        {
            "hosts": "all",
            "gather_facts": False,
            "tasks": [
                {
                    "block": [{"include_role": {"name": "hotswap.compose.bluegreen"}}],
                    "rescue": [
                        {"debug": {"msg": "seen: {{ bluegreen_result.outcome }} {{ bluegreen_result.release }}"}}
                    ],
                }
            ],
        }
    ]
    path = site.directory / "rescue.json"
    path.write_text(json.dumps(play))
    run = site.play(str(path), release="v2", env={"BEHAVIOUR": "exit"})
    assert run.rc == 0
    assert "seen: rejected v1" in [task["msg"] for task in run.tasks]
    assert run.result["outcome"] == "rejected"
    assert not swapped(run)  # no handler of ours runs at the end of the play


def test_same_message_names_no_secret(site, untouched):
    run = rejected(site.deploy("v2", env={"BEHAVIOUR": "exit", "GREETING": "s3cr3t-value"}), "start|gate")
    assert not re.search("s3cr3t-value", run.stdout + run.stderr)
