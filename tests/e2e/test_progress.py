# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a person sees while a deploy is under way, in a terminal and, by the events of a job, in AWX."""

from __future__ import annotations

import datetime
import sys

import ansible_runner
import pytest
from sites import COLLECTIONS

GATE = "hotswap.compose.bluegreen_start"


@pytest.fixture(scope="module")
def site(site):
    site.image("v1")
    (site.conf / "site.conf").unlink()
    site.start_nginx()
    return site


def test_each_change_is_an_event_of_the_running_task(site):
    """And so is the word that all is well so far, within 10 s of silence."""
    directory = site.directory / "runner"
    directory.mkdir()
    target = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
    run = ansible_runner.run(
        private_data_dir=str(directory),
        playbook="hotswap.compose.deploy",
        inventory={"bluegreen": {"hosts": {"target": target}}},
        extravars=site.variables(release="v1", health_stable_for=14),
        envvars={"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "LC_ALL": "C.UTF-8"},
        quiet=True,
    )
    events = list(run.events)
    assert (run.status, run.rc) == ("successful", 0), run.stdout.read()
    gate = [event for event in events if event["event_data"].get("task_action") == GATE]
    begins, ends = gate[0], gate[-1]
    assert (begins["event"], ends["event"]) == ("playbook_on_task_start", "runner_on_ok")
    between = [event for event in events if begins["counter"] < event["counter"] < ends["counter"]]
    said = {event["stdout"].strip(): event for event in between if event["event"] == "verbose" and event["stdout"]}
    healthy = next(text for text in said if "-web-" in text and "healthy after " in text)
    after = [text for text, event in said.items() if event["counter"] > said[healthy]["counter"]]
    waiting = after[0]
    assert waiting.startswith("still waiting after ")
    assert waiting.endswith(" s more at most: all containers must stay ready")
    assert seconds(said[healthy], ends) > 10  # at once, not with the result
    assert seconds(said[healthy], said[waiting]) < 12  # 10, and what a busy machine adds


def seconds(event, later):
    """Return the seconds from one event to a later one."""
    begin, end = (datetime.datetime.fromisoformat(each["created"]) for each in (event, later))
    return (end - begin).total_seconds()
