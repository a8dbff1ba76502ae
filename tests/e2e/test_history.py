# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is on record of a deploy, a refused one and a rollback: the history, the status, and a page of each."""

from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def site(site):
    for release in ("v1", "v2", "v3"):
        site.image(release)
    site.first_deploy("v1")
    site.deploy("v2").succeeded()
    site.deploy("v3", env={"BEHAVIOUR": "exit"}).failed()
    site.rollback().succeeded()
    return site


def shown(site, name):
    """Return the lines that a playbook prints for people."""
    run = site.play(name, hosts={"target": {}, "other": {}}).succeeded()
    assert run.changed == 0
    out = run.stdout
    assert "{" not in out.partition("PLAY RECAP")[0]
    texts = [text.split("\nok: [")[0].split("\n") for text in out.split(f": {site.app}\n")[1:]]
    assert len(texts) == 2 and texts[0] == texts[1]
    assert f"target: {site.app}\n" in out and f"other: {site.app}\n" in out
    assert max(map(len, texts[0])) <= 100
    return texts[0]


def test_history(site):
    lines = shown(site, "history")
    print(lines)
    found = [line.split()[2:7] for line in lines[1:] if not line.startswith("     ")]
    assert [" ".join(words) for words in found] == [
        "rollback rolled back v1 blue",
        "deploy rejected v3 blue",
        "deploy deployed v2 green",
        "deploy deployed v1 blue",
    ]


def test_status(site):
    print(shown(site, "status"))
