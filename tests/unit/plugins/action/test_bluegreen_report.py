# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import html.parser
import re
import stat
from concurrent.futures import ProcessPoolExecutor
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.action.bluegreen_report import ActionModule, told, write
from ansible_collections.hotswap.compose.plugins.plugin_utils._run import Run

EVIL = "</pre><script>alert('1')</script>\"><img src=http://evil.example onerror=x>&amp;"


def a_run(text="v2", number=0):
    """Return a run that was refused; ``text`` is in each place that somebody else may fill."""
    container = {
        "name": text,
        "id": "c0ffee",
        "verdict": "failed",
        "reason": text,
        "timeline": [{"at": 0, "state": "starting"}, {"at": 1.0, "state": "exited (3)"}],
        "probes": [{"start": "", "exit_code": 1, "output": text}],
        "log": [text],
    }
    return {
        "app": "shop",
        "host": text,
        "kind": "deploy",
        "by": {"user": text, "controller": text, "job": text},
        "release": text,
        "color": "green",
        "previous_color": "blue",
        "result": {
            "outcome": "rejected",
            "active_color": "blue",
            "release": text,
            "previous_release": text,
            "phases": {"detect": 1.0, text: 2.0, "gate": 3.0},
            "containers": [container],
            "warnings": [text],
        },
        "ended": 1769904006.0 + number,
        "failed_phase": text,
        "reason": text,
        "unsure": False,
        "images": {text: {"ref": text, "id": text, "digest": None}},
        "gate": {"elapsed": 2.0, "containers": [container]},
        "watches": [],
        "canary_weights": [],
        "swapped_at": None,
        "back_at": None,
        "clock_ahead": 0.0,
    }


class Page(html.parser.HTMLParser):
    """What a browser takes a page for."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.addresses, self.data, self.open = set(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.addresses += [value for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]
        assert not [name for name, _value in attrs if name.startswith("on")]
        if tag not in ("meta", "line", "rect", "circle"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.data.append(data)


def pages(directory):
    return {path.name: Page(path.read_text(encoding="utf-8")) for path in directory.glob("*.html")}


def test_a_page_and_its_index(tmp_path):
    directory = tmp_path / "to" / "pages"
    path = write(directory, a_run())
    assert path == str(directory / "20260201T000000Z-v2-shop-deploy-v2.html")
    assert sorted(path.suffix for path in directory.iterdir()) == ["", ".html", ".html", ".json"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in directory.glob("*.*ml")} == {0o644}
    found = pages(directory)
    assert all(page.open == [] for page in found.values())
    assert found["index.html"].addresses == ["20260201T000000Z-v2-shop-deploy-v2.html"]


def test_no_page_asks_the_network_for_anything(tmp_path):
    write(tmp_path, a_run())
    for name, page in pages(tmp_path).items():
        assert not page.tags & {"script", "link", "img", "iframe", "object"}, name
        assert all(re.fullmatch(r"[\w.-]+\.html", address) for address in page.addresses), name
        text = (tmp_path / name).read_text()
        assert "://" not in text and "@import" not in text


def test_what_others_wrote_is_text(tmp_path):
    write(tmp_path, a_run(EVIL))
    for name, page in pages(tmp_path).items():
        assert not page.tags & {"script", "img"}, name
        assert page.open == [], name
        assert EVIL in "".join(page.data), name
    (page,) = (page for name, page in pages(tmp_path).items() if name != "index.html")
    assert "".join(page.data).count(EVIL) >= 10


def test_runs_that_end_at_once_are_all_in_the_index(tmp_path):
    with ProcessPoolExecutor(4) as pool:
        list(pool.map(write, [tmp_path] * 12, [a_run(number=number) for number in range(12)]))
    assert len(pages(tmp_path)["index.html"].addresses) == 12
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".2")]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"file": "x"}', "\x00"])
def test_other_files_in_the_directory_are_left_alone(tmp_path, content):
    (tmp_path / "other.json").write_text(content)
    write(tmp_path, a_run())
    assert (tmp_path / "other.json").read_text() == content
    assert len(pages(tmp_path)["index.html"].addresses) == 1


PLAN = {
    "release": "v2",
    "previous_release": "v1",
    "color": "green",
    "active_color": "blue",
    "steps": [],
    "builds": [],
    "pulled_images": {},
}


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_run_in_check_mode_publishes_no_result(check_mode):
    plugin = ActionModule.__new__(ActionModule)
    plugin._task = SimpleNamespace(check_mode=check_mode)
    known = {
        "inventory_hostname": "web1",
        "ansible_play_hosts_all": ["web1"],
        "__bluegreen_validated": {"run_id": "r1", "settings": {"app": "shop", "canary_steps": []}},
        "__bluegreen_planned": {"plan": {**PLAN, "outcome": "unchanged"}, "stamp": {"run": "r1"}},
    }
    found = plugin.act({"directory": ""}, known)
    assert ("ansible_stats" in found) is not check_mode
    assert found["result"]["outcome"] == "unchanged"


def test_the_phases_of_the_last_lines_are_those_of_the_history():
    known = {
        "__bluegreen_validated": {"run_id": "r1", "settings": {"app": "shop", "retire": "stop"}},
        "__bluegreen_planned": {
            "plan": {**PLAN, "outcome": "deployed"},
            "stamp": {"run": "r1", "phase": "detect", "began": 10.0, "ended": 11.5},
        },
    }
    assert told(Run(known))["phases"] == {"detect": 1.5}  # it could not be recorded
    closed = {"stamp": {"run": "r1"}, "run": {"phases": {"detect": 1.2}}}
    assert told(Run({**known, "__bluegreen_finished": closed}))["phases"] == {"detect": 1.2}
