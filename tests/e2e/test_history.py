# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is left of a deploy, one that was refused and a rollback: the history, the status, and a page of each."""

from __future__ import annotations

import re

import pytest

TESTS = [{"service": "web-{color}", "path": "/smoke", "retries": 0}]
ASSERTIONS = """\
- hosts: bluegreen
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: hotswap.compose.bluegreen, tasks_from: status}
    - ansible.builtin.include_role: {name: hotswap.compose.bluegreen, tasks_from: history}
    - ansible.builtin.assert:
        that:
          - bluegreen_status.release == 'v1' and bluegreen_status.active_color == 'blue'
          - bluegreen_status.last_run == bluegreen_history[-1]
          - bluegreen_history | map(attribute='outcome') | list == ['deployed', 'deployed', 'rejected', 'rolled_back']
"""

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def pages(site):
    return site.directory / "pages"


@pytest.fixture(scope="module")
def runs(site, pages):
    """What was done, by name."""
    for release in ("v1", "v2", "v3"):
        site.image(release)
    (site.directory / "file").write_text("")
    return {
        "first": site.first_deploy("v1", report_dir=str(site.directory / "file" / "pages")),
        "deploy": site.deploy(
            "v2",
            report_dir=str(pages),
            canary_steps=[{"weight": 20, "hold": 1}],
            bake_seconds=2,
            smoke_tests=TESTS,
        ).succeeded(),
        "refused": site.deploy("v3", report_dir=str(pages), env={"BEHAVIOUR": "exit"}).failed(),
        "rollback": site.rollback(report_dir=str(pages)).succeeded(),
    }


def shown(site, name):
    """Return the lines that a playbook prints for people, of a host."""
    run = site.play(name).succeeded()
    assert run.changed == 0
    text = run.stdout.partition(f"\n\ntarget: {site.app}\n")[2].partition("\nok: [target]")[0]
    assert text and "{" not in text and "\\" not in text, run.stdout
    lines = text.split("\n")
    assert max(map(len, lines)) <= 100
    return lines


def test_history_for_people(site, runs):
    lines = shown(site, "history")
    expected = [
        "rollback rolled back v1 blue ",
        "deploy rejected v3 blue ",
        "deploy deployed v2 green ",
        "deploy deployed v1 blue ",
    ]
    shown_runs = [" ".join(line.split()[2:]) for line in lines if line.startswith("  2")]
    assert [run.startswith(start) for run, start in zip(shown_runs, expected)] == [True] * 4
    took = re.search(r"It took ([\d.]+ s), ", runs["deploy"].stdout).group(1)
    assert f" green {took} " in shown_runs[2]
    (reason,) = (line.strip() for line in lines if line.startswith("   "))
    assert re.search("was restarted|exited with", reason)


def test_status_for_people(site, runs):
    lines = shown(site, "status")
    assert lines[0].startswith("  traffic     v1 has it, in blue, since ")
    assert lines[1] == "  lock        free"
    assert lines[2].startswith("  last run    rollback to v1: rolled back, ")
    assert [line.split()[:2] for line in lines[5:]] == [["blue,", "active"], ["green", "web-green"]]


def test_both_for_programs(site, runs):
    path = site.directory / "assertions.yml"
    path.write_text(ASSERTIONS)
    site.play(str(path)).succeeded()


def test_what_a_run_leaves_on_record(site, runs):
    _first, deploy, refused, _rollback = site.history()
    assert (deploy["kind"], deploy["release"], deploy["previous_release"]) == ("deploy", "v2", "v1")
    assert set(deploy["phases"]) == set(runs["deploy"].result["phases"]) - {"record"}
    assert deploy["by"]["user"] and deploy["begun_at"] <= deploy["at"]
    assert deploy["images"]["web-green"]["id"] == site.tags()[f"{site.name}/app:v2"]
    assert (deploy["reason"], refused["release"]) == (None, "v3")
    assert re.search("was restarted|exited with", refused["reason"])


def test_a_page_of_each_run_and_an_index(site, runs, pages):
    found = sorted(pages.glob("2*.html"))
    names = [path.stem.partition(f"-target-{site.app}-")[2] for path in found]
    assert names == ["deploy-v2", "deploy-v3", "rollback-v1"]
    deploy, refused, rollback = (path.read_text() for path in found)
    assert "the traffic goes to green at " in deploy and "20 % from " in deploy and "100 % from " in deploy
    assert "Smoke tests" in deploy and ", 0 failed" in deploy
    assert "Containers of blue" in refused and "✗ gate" in refused and "The last lines of its log" in refused
    assert "v1, in blue, has the traffic again" in rollback
    for path, run in zip(found, ("deploy", "refused", "rollback")):
        assert f"Page: {path}\n" in runs[run].stdout
    index = (pages / "index.html").read_text()
    assert all(path.name in index for path in found)


def test_a_page_that_cannot_be_written_is_a_warning(runs):
    first = runs["first"]
    assert first.result["outcome"] == "deployed"
    assert "the page of this run could not be written (bluegreen_report_dir)" in " ".join(first.stderr.split())


def test_a_run_that_was_refused_before_it_began_is_on_record(site, runs, pages):
    """But there is no page: nothing happened."""
    site.deploy("v3", services=[{"name": "api-{color}", "port": 3000}], report_dir=str(pages)).failed()
    last = site.history()[-1]
    assert (last["release"], last["outcome"], last["phases"]) == ("v3", "rejected", {})
    assert last["reason"]
    assert len(list(pages.glob("2*.html"))) == 3
