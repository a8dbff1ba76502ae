# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime
import types

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.hotswap.compose.plugins.plugin_utils._unquoted import unquoted_problems

OPTIONS = {
    "release": {"type": "str"},
    "directory": {"type": "path"},
    "retire": {"type": "str", "choices": ["stop"]},
    "ratio": {"type": "float"},
    "manage": {"type": "bool"},
    "shared": {"type": "list", "elements": "str"},
    "services": {
        "type": "list",
        "elements": "dict",
        "options": {
            "name": {"type": "str"},
            "port": {"type": "int"},
            "headers": {"type": "dict"},
            "probe": {"type": "dict", "options": {"headers": {"type": "dict", "no_log": True}}},
        },
    },
    "migrate": {"type": "dict", "options": {"command": {"type": "str"}}},
    "env": {"type": "dict", "no_log": True},
}


@pytest.mark.parametrize(
    "values",
    [
        {"release": "1.10"},
        {"release": 1207},
        {"release": 0},
        {"release": None},
        {"release": datetime.date(2026, 11, 28)},  # the same text
        {"retire": False},  # its choices are shown instead
        {"ratio": 1.5, "manage": True},
        {"shared": ["db", 7]},
        {"shared": "db,cache"},
        {"services": [{"name": "web", "port": 80, "headers": {"X-Try": 3}}]},
        {"services": [{"name": "web", "unknown": 1.5}]},
        {"env": {"A": "x", "B": None, "C": 5, "D": ""}},
        {"elsewhere": 1.5},
    ],
)
def test_texts_and_plain_integers_are_taken(values):
    assert unquoted_problems(values, OPTIONS) == []


@pytest.mark.parametrize(
    "values, problem",
    [
        (
            {"release": 1.1},
            "release is 1.1, a number with a fraction, and YAML turns 1.10 into 1.1; put it in quotes",
        ),
        ({"release": True}, "release is True, a boolean; put it in quotes, for example 'true' or 'True'"),
        ({"directory": ["/srv"]}, "directory is a list; give a string"),
        ({"shared": ["db", 1.5]}, "shared[1] is 1.5, a number with a fraction"),
        ({"services": [{"name": False}]}, "services[0].name is False, a boolean"),
        ({"services": [{"name": "web", "headers": {"X-On": True}}]}, "services[0].headers.X-On is True, a boolean"),
        ({"migrate": {"command": ["a", "b"]}}, "migrate.command is a list; give a string"),
        ({"release": datetime.datetime(2026, 11, 28, 9)}, "release is 2026-11-28 09:00:00, a date or time"),
        ({"env": {"DEBUG": False}}, "env.DEBUG is a boolean; put it in quotes, for example 'true' or 'True'"),
        ({"env": {"RATE": 0.5}}, "env.RATE is a number with a fraction"),
        ({"env": {"HOSTS": ["a"]}}, "env.HOSTS is a list; give a string"),
        ({"env": {"MAP": {"a": "b"}}}, "env.MAP is a mapping; give a string"),
        ({"env": {True: "x"}}, "env has the name True, which YAML does not read as a string; put it in quotes"),
    ],
)
def test_what_yaml_reads_as_something_else_is_refused(values, problem):
    (found,) = unquoted_problems(values, OPTIONS)
    assert found.startswith(problem)


@pytest.mark.parametrize(
    "values",
    [
        lambda secrets: {"env": secrets},
        lambda secrets: {"services": [{"name": "web", "probe": {"headers": secrets}}]},
    ],
    ids=["option", "sub-option"],
)
def test_a_secret_is_not_shown(values):
    found = unquoted_problems(values({"PIN": 1234.5, "DAY": datetime.datetime(2026, 1, 2)}), OPTIONS)
    assert len(found) == 2
    assert not any(secret in text for text in found for secret in ("1234", "2026"))


class Placed(int):
    """An integer as ansible-core 2.19 loads it, with its place in a file."""

    def at(self, path, line, column):
        origin = types.SimpleNamespace(path=str(path), line_num=line, col_num=column)
        self._ansible_tags_mapping = {"Origin": origin}
        return self


@pytest.mark.parametrize(
    "written, number, said",
    [
        ("0012345", 5349, "release is a number that YAML changed from 0012345 to 5349; put it in quotes"),
        ("12:30", 750, "release is a number that YAML changed from 12:30 to 750; put it in quotes"),
        ("0x1F", 31, "release is a number that YAML changed from 0x1F to 31; put it in quotes"),
        ("1_000", 1000, "release is a number that YAML changed from 1_000 to 1000; put it in quotes"),
        ("1207", 1207, None),
        ("6133613066", 1207, None),  # a vaulted file has other digits there
        ("{{ release }}", 1207, None),
    ],
)
def test_an_integer_that_is_written_otherwise(tmp_path, written, number, said):
    path = tmp_path / "vars.yml"
    path.write_text(f"---\nrelease: {written} # a comment\n")
    expected = [said] if said else []
    assert unquoted_problems({"release": Placed(number).at(path, 2, 10)}, OPTIONS) == expected
    hidden = unquoted_problems({"env": {"A": Placed(number).at(path, 2, 10)}}, OPTIONS)
    told = "env.A is a number that YAML changed; put it in quotes"
    assert hidden == ([told] if said else [])


@pytest.mark.parametrize("place", [(None, None, None), ("/no/such/file", 1, 1), (__file__, 99999, 1)])
def test_an_integer_whose_place_is_not_known(place):
    number = Placed(5349)
    number._ansible_tags_mapping = {"Origin": types.SimpleNamespace(path=place[0], line_num=place[1], col_num=place[2])}
    assert unquoted_problems({"release": number}, OPTIONS) == []


def test_what_ansible_itself_notes_of_a_place(tmp_path):
    path = tmp_path / "vars.yml"
    path.write_text("release: 0012345\nservices: [{name: 010}]\n")
    loaded = dict(DataLoader().load_from_file(str(path)))
    if hasattr(loaded["release"], "_ansible_tags_mapping"):  # from ansible-core 2.19 on
        assert [text.split(";")[0] for text in unquoted_problems(loaded, OPTIONS)] == [
            "release is a number that YAML changed from 0012345 to 5349",
            "services[0].name is a number that YAML changed from 010 to 8",
        ]
