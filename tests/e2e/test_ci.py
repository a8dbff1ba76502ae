# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""examples/ci/: each file parses, runs playbooks of the examples, and ends as the playbook ends.

No GitHub, GitLab or Semaphore is here: their files are checked by their structure. cron's script runs for real, with
stand-ins for git and ansible-playbook.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess

import pytest
import yaml
from sites import ROOT

CI = ROOT / "examples" / "ci"
PLAYBOOKS = {path.name for path in (ROOT / "examples").glob("*.yml")}
TOOLS = (ROOT / "tools" / "requirements.txt").read_text()


def steps_of_github():
    (job,) = yaml.safe_load((CI / "github-actions.yml").read_text())["jobs"].values()
    return [step["run"] for step in job["steps"] if "run" in step]


def steps_of_gitlab(name):
    jobs = yaml.safe_load((CI / "gitlab-ci.yml").read_text())
    assert jobs[name]["extends"] == ".ansible"
    return [*jobs[".ansible"]["before_script"], *jobs[name]["script"]]


@pytest.mark.parametrize(
    "steps, last",
    [
        (steps_of_github(), 'ansible-playbook deploy.yml -e "bluegreen_release=$RELEASE"'),
        (steps_of_gitlab("deploy"), 'ansible-playbook deploy.yml -e "bluegreen_release=$CI_COMMIT_TAG"'),
        (steps_of_gitlab("roll-back"), "ansible-playbook rollback.yml"),
    ],
)
def test_a_job_ends_with_the_playbook(steps, last):
    assert steps[-1] == last  # so that its exit status is the job's
    assert last.split()[1] in PLAYBOOKS
    (core,) = re.findall(r"pip install (ansible-core==\S+)", "\n".join(steps))
    assert core in TOOLS
    assert "ansible-galaxy collection install -r collections/requirements.yml -p collections" in steps


def test_one_deploy_at_a_time_and_only_of_a_tag():
    github = yaml.safe_load((CI / "github-actions.yml").read_text())
    assert github[True] == {"push": {"tags": ["v*"]}}  # the key is on, which is a boolean of YAML 1.1
    assert github["concurrency"]["cancel-in-progress"] is False
    gitlab = yaml.safe_load((CI / "gitlab-ci.yml").read_text())
    assert gitlab[".ansible"]["resource_group"] and gitlab["deploy"]["rules"] == [{"if": "$CI_COMMIT_TAG"}]


def test_semaphore_finds_each_object_that_is_named():
    project = json.loads((CI / "semaphore.json").read_text())
    names = {kind: {each["name"] for each in project[kind]} for kind in ("keys", "repositories", "inventories")}
    assert {each["ssh_key"] for each in project["repositories"] + project["inventories"]} <= names["keys"]
    assert {each["inventory"] for each in project["inventories"]} == {"inventory.yml"}
    (environment,) = project["environments"]
    for template in project["templates"]:
        assert template["playbook"] in PLAYBOOKS and template["app"] == "ansible"
        assert template["repository"] in names["repositories"] and template["inventory"] in names["inventories"]
        assert (
            template["environments"] == [template["environment"]] == [each["name"] for each in project["environments"]]
        )
    (question,) = project["templates"][0]["survey_vars"]
    assert (question["name"], question["required"]) == ("bluegreen_release", True)


@pytest.fixture
def cron(tmp_path):
    """Run cron.sh; ``program`` is what ansible-playbook does."""
    programs = tmp_path / "bin"
    programs.mkdir()
    project = tmp_path / "project"
    project.mkdir()
    shutil.copy(CI / "cron.sh", project)
    (project / "release").write_text("v2\n")

    def run(program, git="true"):
        for name, text in (("git", git), ("ansible-playbook", program)):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        environment = {**os.environ, "PATH": f"{programs}:/usr/bin:/bin"}
        command = [str(project / "cron.sh")]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    run.project = project
    return run


def test_cron_is_silent_of_a_deploy_that_went_well(cron):
    ran = cron('echo "$@" >>arguments; echo much')
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert (cron.project / "arguments").read_text() == "deploy.yml -e bluegreen_release=v2\n"


def test_cron_prints_the_output_of_a_deploy_that_failed(cron):
    ran = cron("echo why; echo more >&2; exit 2")
    assert (ran.returncode, ran.stdout) == (2, "why\nmore\n")


def test_cron_deploys_nothing_if_git_fails(cron):
    ran = cron("touch deployed", git="echo no network >&2; exit 1")
    assert ran.returncode != 0 and "no network" in ran.stderr
    assert not (cron.project / "deployed").exists()


def test_cron_waits_for_no_other_run(cron):
    ran = cron(f"{cron.project}/cron.sh && touch ended")  # while it holds the lock
    assert ran.returncode == 0 and (cron.project / "ended").exists()
