# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The interface is in four places: the argument specs, the role's defaults, docs/variables.md, and in part the README.
They agree."""

from __future__ import annotations

import json
import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROLE = ROOT / "roles" / "bluegreen"
ROW = re.compile(r"^\| `(bluegreen_\w+)` \|.*\| ([^|]+) \|$", re.MULTILINE)
SECTION = re.compile(r"^#+ (bluegreen_\w+)$", re.MULTILINE)

SPECS = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())["argument_specs"]
DEFAULTS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text())


def typed(values):
    """Python's True equals 1 and 1.0; JSON's texts of them don't."""
    return {name: json.dumps(value, sort_keys=True) for name, value in values.items()}


def documented():
    """Return ``{variable: its cell of defaults}`` of the README's table, which names a variable once at most."""
    rows = ROW.findall((ROOT / "README.md").read_text())
    assert len(rows) == len(dict(rows))
    return dict(rows)


def sections():
    """Return ``{variable: the text below its heading}`` of docs/variables.md, which names each variable once."""
    _before, *parts = SECTION.split((ROOT / "docs/variables.md").read_text())
    names, texts = parts[::2], parts[1::2]
    assert len(names) == len(set(names))
    return dict(zip(names, texts))


def test_the_defaults_are_those_of_the_specs():
    specified = {name: option["default"] for name, option in SPECS["main"]["options"].items() if "default" in option}
    assert typed(DEFAULTS) == typed(specified)


@pytest.mark.parametrize("entry_point", SPECS)
def test_an_entry_point_knows_no_variable_of_its_own(entry_point):
    options = SPECS[entry_point]["options"]
    assert set(options) <= set(SPECS["main"]["options"])
    shared = {name: option["default"] for name, option in options.items() if "default" in option}
    assert typed(shared) == typed({name: DEFAULTS[name] for name in shared})


def test_what_has_no_default_is_required():
    optional = [
        name
        for name, option in SPECS["main"]["options"].items()
        if "default" not in option and not option.get("required")
    ]
    assert optional == []


def test_the_page_of_variables_is_complete():
    pages = sections()
    assert set(pages) == set(SPECS["main"]["options"])
    for name, option in SPECS["main"]["options"].items():
        if option.get("required"):
            assert re.search(r"\brequired\b", pages[name], re.IGNORECASE), name
        else:
            shown = re.search(r"\bdefault:? `(.*?)`", pages[name], re.IGNORECASE)
            assert shown, name
            assert typed({name: yaml.safe_load(shown.group(1))}) == typed({name: option["default"]})


def test_the_readme_has_the_required_variables_and_correct_defaults():
    cells = documented()
    options = SPECS["main"]["options"]
    assert {name for name, option in options.items() if option.get("required")} <= set(cells) <= set(options)
    for name, cell in cells.items():
        if options[name].get("required"):
            assert cell.startswith("required"), name
        else:
            shown = re.fullmatch(r"`(.*)`", cell)
            assert shown, name
            assert typed({name: yaml.safe_load(shown.group(1))}) == typed({name: options[name]["default"]})


def test_the_oldest_versions_are_those_that_were_run():
    """Read docs/tested.md, whose table make matrix printed: ansible-core, Python, Engine, Compose, nginx."""
    run = re.findall(
        r"^\| (\d+\.\d+)\S* \| \S+" + r" \| (\d+\.\d+)\S*" * 3, (ROOT / "docs/tested.md").read_text(), re.M
    )
    core, engine, compose, nginx = (min(column, key=lambda each: [*map(int, each.split("."))]) for column in zip(*run))
    requires = yaml.safe_load((ROOT / "meta/runtime.yml").read_text())["requires_ansible"]
    assert requires == f">={core}.0"
    assert yaml.safe_load((ROLE / "meta/main.yml").read_text())["galaxy_info"]["min_ansible_version"] == core
    readme = (ROOT / "README.md").read_text()
    for words in (f"ansible-core {core}", f"Engine {engine}", f"Compose {compose}", f"nginx {nginx}"):
        assert f"{words} or newer" in readme, words
