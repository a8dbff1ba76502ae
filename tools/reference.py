# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/variables.md from the role's argument specs, and docs/compose-keys.md from the table of the keys of the
Compose specification; or with --check say whether they are what those give."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from antsibull_docs_parser.md import MDFormatter, to_md
from antsibull_docs_parser.parser import Context, parse

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "roles/bluegreen/meta/argument_specs.yml"
KEYS = ROOT / "tests/unit/plugins/module_utils/fixtures/compose/keys.yml"

HEAD = """\
# Variables

Made by `make reference` from the role's argument specs. [README](../README.md) has them in one table;
`ansible-doc -t role hotswap.compose.bluegreen` has this in a terminal.
"""

KEYS_HEAD = """\
# Keys of the Compose specification

Made by `make reference` from a table that tests compare with the role and with the installed Compose.
[Compose files](compose-files.md) has the reasons.

The columns are a service of a color in one ordinary file, a shared service, and a service in the layout with a
file for each color.

- kept: as Compose has it.
- by Compose: Compose has applied the key before the role reads its rendering.
- changed, left out: as the last column says.
- refused: the plan refuses it with a message, before anything starts or changes.
"""


class Plain(MDFormatter):
    """Markdown that is readable unrendered: our texts need none of the escapes."""

    def format_text(self, part):
        return part.text

    def format_code(self, part):
        return f"`{part.text}`"

    def format_env_variable(self, part):
        return f"`{part.name}`"

    def format_option_value(self, part):
        return f"`{part.value}`"

    @staticmethod
    def _format_option_like(part, url):
        return f"`{part.name}`" if part.value is None else f"`{part.name}: {part.value}`"


def text(option, separator):
    return to_md(parse(option["description"], Context()), formatter=Plain(), par_sep=separator)


def facts(option):
    """What its type, its choices and its default are."""
    kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
    parts = [kind]
    if option.get("choices"):
        parts.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    if option.get("required"):
        parts.append("required")
    if "default" in option:
        parts.append(f"default `{json.dumps(option['default'], ensure_ascii=False)}`")
    return "; ".join(parts)


def rows(options, prefix=""):
    """The options of an option, and theirs, as rows of a table."""
    for name, option in options.items():
        yield f"| `{prefix}{name}` | {facts(option)} | {text(option, ' ').replace('|', chr(92) + '|')} |"
        yield from rows(option.get("options", {}), f"{prefix}{name}.")


def section(name, option, entry_points):
    lines = [f"## {name}", f"{facts(option)}. Of {', '.join(entry_points)}.", text(option, "\n\n")]
    table = list(rows(option.get("options", {})))
    if table:
        lines.append("\n".join(["| option | | |", "|---|---|---|", *table]))
    return "\n\n".join(lines)


def variables():
    specs = yaml.safe_load(SPECS.read_text())["argument_specs"]
    named = {entry: "deploy" if entry == "main" else entry for entry in specs}
    sections = [
        section(name, option, [named[entry] for entry, spec in specs.items() if name in spec["options"]])
        for name, option in specs["main"]["options"].items()
    ]
    return "\n\n".join([HEAD.strip(), *sections]) + "\n"


def outcomes(entry):
    """What becomes of a key: in a color, in a shared service, with a file for each color."""
    if entry.get("gone"):
        return ["by Compose"] * 3
    color, shared, per_color = (entry.get(name, "kept") for name in ("color", "shared", "per_color"))
    traffic, other = entry.get("traffic", color), entry.get("other", color)
    return [traffic if traffic == other else f"{traffic} where it takes traffic, else {other}", shared, per_color]


def keys_section(section):
    rows, kept = [], []
    for name, entry in section["keys"].items():
        cells = outcomes(entry)
        if cells == ["kept"] * 3 and not entry.get("note"):
            kept.append(f"`{name}`")
        else:
            rows.append("| `{}` | {} | {} |".format(name, " | ".join(cells), entry.get("note", "").strip()))
    head = ["| key | a color's | shared | a file for each color | |", "|---|---|---|---|---|"]
    parts = ["## " + section["title"]]
    parts += ["Kept: {}.".format(", ".join(kept))] if kept else []
    parts += ["\n".join(head + rows)] if rows else []
    return "\n\n".join(parts)


def compose_keys():
    return "\n\n".join([KEYS_HEAD.strip(), *map(keys_section, yaml.safe_load(KEYS.read_text()))]) + "\n"


PAGES = {"docs/variables.md": (SPECS, variables), "docs/compose-keys.md": (KEYS, compose_keys)}


def main():
    status = 0
    for name, (source, page) in PAGES.items():
        path = ROOT / name
        if "--check" not in sys.argv[1:]:
            path.write_text(page())
        elif not path.exists() or path.read_text() != page():
            print(f"{name} is not what {source.relative_to(ROOT)} gives: make reference", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
