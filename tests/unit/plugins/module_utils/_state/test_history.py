# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._state import history

RUN = {
    "kind": "deploy",
    "outcome": "deployed",
    "release": "v2",
    "previous_release": "v1",
    "color": "green",
    "phases": {"gate": "3.2", "swap": 0.2},
    "reason": None,
}
HOLDER = {"user": "ci", "controller": "runner-3", "job": "", "token": "c0ffee", "since": "2026-01-31T23:59:47Z"}
IMAGES = {"was": {"ref": "shop-was:v2", "id": "sha256:2b", "brought": True, "digest": "sha256:d2"}}


def a_run(**more):
    return history.ended_run({**RUN, **more}, HOLDER["since"], history.owner_of(HOLDER), IMAGES, [])


def releases(directory, last=history.LAST):
    return [run["release"] for run in history.read_history(str(directory), last)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (None, None),
        ("", None),
        ("\n \n", None),
        ("was-1 exited with 3", "was-1 exited with 3"),
        ("\n  the migration   failed\n  at once\n", "the migration failed"),
        ("x" * 301, "x" * 299 + "…"),
    ],
)
def test_one_line(text, line):
    assert history.one_line(text) == line


def test_a_run():
    run = history.ended_run(RUN, HOLDER["since"], history.owner_of(HOLDER), IMAGES, ["two\nlines", ""])
    assert run.pop("at").endswith("Z")
    assert run == {
        "begun_at": "2026-01-31T23:59:47Z",
        "kind": "deploy",
        "outcome": "deployed",
        "release": "v2",
        "previous_release": "v1",
        "color": "green",
        "phases": {"gate": 3.2, "swap": 0.2},
        "by": {"user": "ci", "controller": "runner-3", "job": ""},
        "images": {"was": {"ref": "shop-was:v2", "id": "sha256:2b", "digest": "sha256:d2"}},
        "warnings": ["two"],
        "reason": None,
    }


@pytest.mark.parametrize(
    ("kind", "outcome", "shown"),
    [
        ("deploy", "deployed", "deployed"),
        ("promote", "deployed", "deployed"),
        ("rollback", "deployed", "rolled_back"),
        ("rollback", "rejected", "rejected"),
        ("abort", "rejected", "rejected"),
    ],
)
def test_a_rollback_that_succeeded_is_called_one(kind, outcome, shown):
    assert a_run(kind=kind, outcome=outcome)["outcome"] == shown


def test_what_was_appended_is_read(tmp_path):
    runs = [a_run(release=f"v{number}") for number in range(40)]
    for run in runs:
        assert history.append_run(str(tmp_path), run) == []
    assert history.read_history(str(tmp_path)) == runs[-30:]
    assert history.read_history(str(tmp_path), 1) == runs[-1:]
    assert stat.S_IMODE((tmp_path / "history.jsonl").stat().st_mode) == 0o600


def test_none_is_on_record(tmp_path):
    assert history.read_history(str(tmp_path / "nowhere")) == []


@pytest.mark.parametrize("cut_at", [1, 30, -1])
def test_a_line_that_was_cut_off_takes_no_other_with_it(tmp_path, cut_at):
    for release in ("v1", "v2"):
        history.append_run(str(tmp_path), a_run(release=release))
    file = tmp_path / "history.jsonl"
    whole = file.read_bytes()
    first = whole.index(b"\n") + 1
    file.write_bytes(whole[:first] + whole[first:].rstrip(b"\n")[:cut_at])
    assert releases(tmp_path) == ["v1"]
    history.append_run(str(tmp_path), a_run(release="v3"))
    assert releases(tmp_path) == ["v1", "v3"]


@pytest.mark.parametrize("line", ["", "[]", "{}", "null", '{"at": 1}', "\x00\xff", "[" * 100000])
def test_what_is_no_run_is_passed_over(tmp_path, line):
    history.append_run(str(tmp_path), a_run(release="v1"))
    with open(tmp_path / "history.jsonl", "a", encoding="latin-1") as file:
        file.write(line + "\n")
    history.append_run(str(tmp_path), a_run(release="v2"))
    assert releases(tmp_path) == ["v1", "v2"]


def test_it_does_not_grow_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(history, "LIMIT", 2000)
    for number in range(100):
        history.append_run(str(tmp_path), a_run(release=f"v{number}"))
        kept = releases(tmp_path)
        assert kept == [f"v{each}" for each in range(number + 1 - len(kept), number + 1)]
        assert len(kept) >= min(number + 1, 4)
    assert sorted(os.listdir(tmp_path)) == ["history.1.jsonl", "history.jsonl"]
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2 * (2000 + 600)


def test_thirty_of_the_longest_runs_fit_into_one_file():
    images = {
        f"service-{number}": dict(IMAGES["was"], ref="r" * 100, id="i" * 71, digest="d" * 71) for number in range(9)
    }
    phases = {f"phase-{number}": 1234.56 for number in range(18)}
    longest = history.ended_run(
        dict(RUN, release="v" * 128, phases=phases, reason="r" * 999),
        "t" * 20,
        history.owner_of(HOLDER),
        images,
        ["w" * 999] * 99,
    )
    assert len(str(longest)) * history.LAST < history.LIMIT


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: os.symlink("/dev/null", path), os.mkdir])
def test_what_is_no_file_is_left_alone(tmp_path, make):
    make(str(tmp_path / "history.jsonl"))
    (warning,) = history.append_run(str(tmp_path), a_run())
    assert "lacks this run" in warning
    assert releases(tmp_path) == []
