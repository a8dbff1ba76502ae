# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An app that attacks by what it prints and answers (app/hostile.py): it decides nothing, and reaches no terminal."""

from __future__ import annotations

import html
import sys

import pytest
from sites import HERE, ROOT

sys.path.insert(0, str(HERE / "app"))

import hostile

HOSTILE = {"BEHAVIOUR": "hostile"}
PATHS = ("/dribble", "/endless", "/huge", "/header", "/")
TESTS = [{"service": "web-{color}", "path": path, "contains": "fine", "retries": 0} for path in PATHS]
PROBE = "services:\n  web-{}:\n    healthcheck:\n      test: [CMD, python3, -S, /app.py, probe]\n"


@pytest.fixture(scope="module")
def site(site):
    """v1 serves, from blue."""
    for release in ("v1", "v2"):
        site.image(release)
    site.first_deploy("v1")
    return site


def only_displays(site, *texts):
    """Nothing that was printed is obeyed by a terminal, and nothing was evaluated as a template."""
    for text in texts:
        for line in text.split("\n"):
            assert line.isprintable(), repr(line)
            assert not line.startswith(hostile.LINE)
    assert [path for place in (ROOT, site.directory) for path in place.rglob("pwned")] == []


def test_what_it_prints(site):
    """Its log and its probe, which fails."""
    pages = site.directory / "pages"
    for color in ("blue", "green"):
        (site.src / f"probe.{color}.yml").write_text(PROBE.format(color))
    files = ["compose.{color}-deploy.yml", "probe.{color}.yml"]
    run = site.deploy("v2", env=HOSTILE, compose_files=files, report_dir=str(pages)).failed()
    assert "was rejected in the phase gate: " in run.message
    assert "Traffic: v1 (blue) keeps it." in run.message.splitlines()
    assert "  health check: exit status 1: red here" in run.message
    assert "  log: {{ lookup('ansible.builtin.pipe', 'touch pwned') }}" in run.message
    assert run.result["phases"]["gate"] < 20
    (container,) = run.result["containers"]
    assert 0 < len("".join(container["log"])) < 50_000
    shown = [site.play(name).succeeded().stdout for name in ("status", "history")]
    unwrapped = [" ".join(text.split()) for text in shown]
    assert all("is unhealthy (last health check exited with 1: red here" in text for text in unwrapped)
    only_displays(site, run.stdout, run.stderr, *shown)
    for path in pages.glob("*.html"):
        page = html.unescape(path.read_text())
        assert page.replace("\n", "").replace("\ufe0e", "").isprintable()  # ours: the signs as text, not as pictures
    site.serves("v1", "blue")


def test_what_it_answers(site):
    """Each smoke test ends within its 10 s."""
    run = site.deploy("v2", env=HOSTILE, smoke_tests=TESTS).failed()
    assert "was rejected in the phase smoke: smoke test GET " in run.message
    assert "/dribble of web-{color} failed: no answer: no complete answer within 10 s (4 more" in run.message
    assert 9 < run.result["phases"]["smoke"] < 20
    only_displays(site, run.stdout, run.stderr)
    site.serves("v1", "blue")


def test_what_nobody_asks_it_is_no_reason(site):
    run = site.deploy("v2", env=HOSTILE).succeeded()
    only_displays(site, run.stdout, run.stderr)
    site.serves("v2", "green")
