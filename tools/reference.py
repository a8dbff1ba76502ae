# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Write docs/variables.md from the role's argument specs, or with --check say whether it is what they give."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml
from antsibull_docs_parser.md import MDFormatter, to_md
from antsibull_docs_parser.parser import Context, parse

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "roles/bluegreen/meta/argument_specs.yml"
PAGE = ROOT / "docs/variables.md"

HEAD = """\
# Variables

Made by `make reference` from the role's argument specs. [README](../README.md) has them in one table;
`ansible-doc -t role hotswap.compose.bluegreen` has this in a terminal.
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


def page():
    specs = yaml.safe_load(SPECS.read_text())["argument_specs"]
    named = {entry: "deploy" if entry == "main" else entry for entry in specs}
    sections = [
        section(name, option, [named[entry] for entry, spec in specs.items() if name in spec["options"]])
        for name, option in specs["main"]["options"].items()
    ]
    return "\n\n".join([HEAD.strip(), *sections]) + "\n"


def main():
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print(f"{PAGE.relative_to(ROOT)} is not what {SPECS.relative_to(ROOT)} gives: make reference", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
