# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Generate docs/variables.md from the role's argument specs, docs/compose-keys.md from the table of Compose keys, and
docs/messages.md from the source of the plugins.

With --check, fail if a page is out of date instead.
"""

from __future__ import annotations

import json
import re
import sys
import textwrap
from pathlib import Path

import messages
import yaml
from antsibull_docs_parser.md import MDFormatter, to_md
from antsibull_docs_parser.parser import Context, parse

ROOT = Path(__file__).resolve().parents[1]
SPECS = ROOT / "roles/bluegreen/meta/argument_specs.yml"
KEYS = ROOT / "tests/unit/plugins/module_utils/fixtures/compose/keys.yml"

HEAD = """\
# Variables

All variables of the role. A deploy needs only the variables that are marked *required*. The role refuses a wrong value
before it changes anything. The playbooks also have `bluegreen_target`, the hosts to run on: a host, a group or another
pattern of Ansible. Its default is the group `bluegreen`. In a terminal, run
`ansible-doc -t role hotswap.compose.bluegreen`. `make reference` generates this page.
"""

GROUPS = {
    "The app": """bluegreen_app bluegreen_release bluegreen_project_src bluegreen_compose_files bluegreen_env
        bluegreen_env_files""",
    "Services": """bluegreen_services bluegreen_shared_services bluegreen_shared_update
        bluegreen_exclusive_services""",
    "nginx": """bluegreen_network bluegreen_nginx_mode bluegreen_nginx_container bluegreen_nginx_conf_dir
        bluegreen_nginx_manage bluegreen_nginx_image bluegreen_nginx_ports bluegreen_vhost bluegreen_edge_url""",
    "Health checks": """bluegreen_health_timeout bluegreen_health_stable_for bluegreen_no_healthcheck
        bluegreen_min_uptime bluegreen_max_restarts""",
    "Smoke tests, preview, canary and bake": """bluegreen_smoke_tests bluegreen_preview bluegreen_auto_promote
        bluegreen_canary_steps bluegreen_bake_seconds bluegreen_bake_failures bluegreen_bake_error_ratio""",
    "Migration and hooks": "bluegreen_migrate bluegreen_hooks",
    "Drain and retire": "bluegreen_drain_timeout bluegreen_retire",
    "Images": "bluegreen_pull bluegreen_registry bluegreen_keep_releases",
    "The run": """bluegreen_lock_wait bluegreen_docker_host bluegreen_state_dir bluegreen_report_dir""",
}
"""The headings of docs/variables.md, in order. Each variable belongs to one."""

KEYS_HEAD = """\
# Keys of the Compose specification

This page lists the keys of a Compose file, and how the role treats each of them.
[Compose files](compose-files.md) has the reasons. Tests compare these tables with the role and with
the installed Compose. `make reference` generates this page.

The columns are:

- *color*: a service that each color has, with one ordinary Compose file;
- *shared*: a service in `bluegreen_shared_services`;
- *file per color*: a service that takes traffic, with one Compose file per color.

The cells are:

- *kept*: the key works as in Compose.
- *by Compose*: Compose applies the key before the role reads the result.
- *changed*, *left out*: see the last column.
- *refused*: the deploy fails with a message before anything starts or changes.
"""


class Plain(MDFormatter):
    """Markdown without escapes, which our texts do not need."""

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


def wrapped(paragraphs):
    """Return paragraphs, which empty lines separate, in lines of 100 characters. Code stays on one line."""
    options = {"width": 100, "break_long_words": False, "break_on_hyphens": False}
    joined = re.sub(r"`[^`]*`", lambda code: code.group().replace(" ", "\0"), paragraphs)
    return "\n\n".join(textwrap.fill(each, **options) for each in joined.split("\n\n")).replace("\0", " ")


def facts(option, required=()):
    """Return the type, choices and default of an option; ``required``: see requirement()."""
    kind = f"list of {option['elements']}" if option["type"] == "list" else option["type"]
    parts = [kind]
    if option.get("choices"):
        parts.append("one of " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    parts += required or (["required"] if option.get("required") else [])
    if "default" in option:
        parts.append(f"default `{json.dumps(option['default'], ensure_ascii=False)}`")
    return "; ".join(parts)


def rows(options, prefix=""):
    """Yield a row of the table for each suboption, with theirs."""
    for name, option in options.items():
        yield f"| `{prefix}{name}` | {facts(option)} | {text(option, ' ').replace('|', chr(92) + '|')} |"
        yield from rows(option.get("options", {}), f"{prefix}{name}.")


def requirement(uses):
    """Return in words which entry points require an option; ``uses``: ``{entry point: the option as it has it}``."""
    needing = [entry for entry, option in uses.items() if option.get("required")]
    others = [entry for entry in uses if entry not in needing]
    if not needing:
        return []
    if not others:
        return ["required"]
    return [f"required for {', '.join(needing)}, optional for {', '.join(others)}"]


def section(name, specs):
    """Return the section of a variable, by the entry points that have it."""
    uses = {entry: spec["options"][name] for entry, spec in specs.items() if name in spec["options"]}
    option = uses["deploy"]
    line = f"{facts(option, requirement(uses))}. Used by {', '.join(uses)}."
    lines = [f"### {name}", line, wrapped(text(option, "\n\n"))]
    for entry, other in uses.items():
        if other["description"] != option["description"]:
            lines.append(wrapped(f"For {entry}: {text(other, ' ')}"))
    table = list(rows(option.get("options", {})))
    if table:
        lines.append("\n".join(["| option | type | meaning |", "|---|---|---|", *table]))
    return "\n\n".join(lines)


def variables():
    specs = yaml.safe_load(SPECS.read_text())["argument_specs"]
    specs = {"deploy" if entry == "main" else entry: spec for entry, spec in specs.items()}
    groups = {title: names.split() for title, names in GROUPS.items()}
    if sorted(sum(groups.values(), [])) != sorted(specs["deploy"]["options"]):
        sys.exit("GROUPS in tools/reference.py must name each variable of the argument specs once")
    contents = (
        "- [{}](#{}): {}".format(
            title, title.lower().replace(",", "").replace(" ", "-"), ", ".join(f"`{n}`" for n in names)
        )
        for title, names in groups.items()
    )
    parts = [wrapped(HEAD.strip()), "\n".join(contents)]
    for title, names in groups.items():
        parts += [f"## {title}", *(section(name, specs) for name in names)]
    return "\n\n".join(parts) + "\n"


def outcomes(entry):
    """Return what the role does with a key: in a color, in a shared service, with one file per color."""
    if entry.get("gone"):
        return ["by Compose"] * 3
    color, shared, per_color = (entry.get(name, "kept") for name in ("color", "shared", "per_color"))
    traffic, other = entry.get("traffic", color), entry.get("other", color)
    if traffic != other:
        traffic += f" if it takes traffic, otherwise {other.replace(', with', ' with')}"
    return [traffic, shared, per_color]


def keys_section(section):
    rows, kept = [], []
    for name, entry in section["keys"].items():
        cells = outcomes(entry)
        if cells == ["kept"] * 3 and not entry.get("note"):
            kept.append(f"`{name}`")
        else:
            rows.append("| `{}` | {} | {} |".format(name, " | ".join(cells), entry.get("note", "").strip()))
    head = ["| key | color | shared | file per color | remarks |", "|---|---|---|---|---|"]
    parts = ["## " + section["title"]]
    parts += ["Kept: {}.".format(", ".join(kept))] if kept else []
    parts += ["\n".join(head + rows)] if rows else []
    return "\n\n".join(parts)


def compose_keys():
    return "\n\n".join([KEYS_HEAD.strip(), *map(keys_section, yaml.safe_load(KEYS.read_text()))]) + "\n"


PAGES = {
    "docs/variables.md": (SPECS, variables),
    "docs/compose-keys.md": (KEYS, compose_keys),
    "docs/messages.md": (messages.PLUGINS, messages.page),
}


def main():
    status = 0
    for name, (source, page) in PAGES.items():
        path = ROOT / name
        if "--check" not in sys.argv[1:]:
            path.write_text(page())
        elif not path.exists() or path.read_text() != page():
            print(f"{name} is older than {source.relative_to(ROOT)}: run make reference", file=sys.stderr)
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
