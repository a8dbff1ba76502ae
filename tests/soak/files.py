# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Ordinary Compose files in the styles that people publish, each deployed twice and rolled back under load, with a
PostgreSQL or Redis that keeps its data. Prints a Markdown table; exits 1 where anything is lost."""

from __future__ import annotations

import contextlib
import json
import pathlib
import shutil
import sys
import tempfile
from dataclasses import dataclass, field

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import docker  # noqa: E402
from sites import ROOT, Site  # noqa: E402


@dataclass
class Stack:
    """``name``: the directory in files/; ``services``: ``{name: port}`` of those that take traffic; ``volume``: one
    that the file itself names."""

    name: str
    services: dict
    shared: list = field(default_factory=list)
    exclusive: list = field(default_factory=list)
    options: dict = field(default_factory=dict)
    volume: str | None = None


STACKS = [
    Stack("cms", {"cms": 8000}, ["db"], options={"max_restarts": 5}),  # it restarts until its database is there
    Stack("queue", {"web": 8000}, ["redis"], ["worker", "scheduler"]),
    Stack("shop", {"was": 3000, "signal": 3001}),
    Stack("single", {"app": 8000}, options={"compose_files": ["docker-compose.yml"]}),
    Stack("profiles", {"web": 8000}, ["cache"], ["worker"]),
    Stack("everything", {"web": 8000}, ["db", "cache"], ["worker", "scheduler"], volume="everything_data"),
]


def build(engine):
    for target, tags in (("postgres", ["latest"]), ("redis", ["latest"]), ("app", ["v1", "v2"])):
        for tag in tags:
            options = {"path": str(HERE / "files/app"), "target": target, "buildargs": {"RELEASE": tag}, "rm": True}
            engine.images.build(tag=f"hotswap-files/{target}:{tag}", **options)


def variables(site, stack):
    given = {
        "compose_files": ["compose.yml"],
        "services": [{"name": name, "port": port} for name, port in stack.services.items()],
        "shared_services": stack.shared,
        "exclusive_services": stack.exclusive,
        "vhost": {"server_names": [site.host]},
    }
    return dict(given, **stack.options)


def count(site):
    """How many POSTs the application says that it has counted; None where it counts none."""
    return site.get()[1].get("count")


def clashes(site):
    """How often two workers were there at once."""
    for container in site.docker.containers.list(filters={"label": f"hotswap.compose.app={site.app}"}):
        if container.image.tags and "redis" in container.image.tags[0]:
            return int(container.exec_run(["redis-cli", "get", "clashes"]).output.strip() or 0)
    return 0


def deploy(site, stack):
    """Return what became of the stack: ``(requests, dropped and 5xx, posts answered, posts kept, clashes)``."""
    given = variables(site, stack)
    site.deploy("v1", **given).succeeded()
    steps = (lambda: site.deploy("v2", **given), lambda: site.play("rollback", **given))
    totals = {"requests": 0, "lost": 0, "posts": 0}
    for step in steps:
        with site.load() as load:
            step().succeeded()
        total, kinds = load.report["total"], load.report["kinds"]
        totals["requests"] += total["requests"]
        totals["lost"] += total["dropped"] + total["errors_5xx"]
        totals["posts"] += sum(kinds[name]["requests"] - kinds[name]["dropped"] for name in ("post", "upload"))
    return {**totals, "kept": count(site), "clashes": clashes(site)}


def row(stack, services, seen):
    colored = sorted(set(services) - set(stack.shared) - set(stack.exclusive))
    data = "-" if seen["kept"] is None else f"{seen['kept']} of {seen['posts']}"
    cells = [stack.name, len(services), ", ".join(colored), ", ".join(stack.shared), ", ".join(stack.exclusive)]
    cells += [seen["requests"], seen["lost"], data, seen["clashes"]]
    return f"| {' | '.join(map(str, cells))} |"


def rendered(site, stack):
    """The names of all services that Compose makes of the stack's files."""
    files = sorted((site.state / site.app / "deploys").glob("*/compose.blue.json"))
    shared = sorted((site.state / site.app / "deploys").glob("*/compose.shared.json"))
    names = {name for path in files + shared for name in json.loads(path.read_text())["services"]}
    return sorted(names)


def main():
    engine = docker.from_env()
    build(engine)
    failed = 0
    heads = [
        "file",
        "services",
        "in each color",
        "shared",
        "exclusive",
        "requests",
        "lost",
        "POSTs kept",
        "two at once",
    ]
    print(f"| {' | '.join(heads)} |\n{'|---' * len(heads)}|", flush=True)
    for stack in STACKS:
        if len(sys.argv) > 1 and stack.name not in sys.argv[1:]:
            continue
        with contextlib.ExitStack() as stay:
            directory = pathlib.Path(stay.enter_context(tempfile.TemporaryDirectory(prefix="files-")))
            site = Site(stack.name, directory)
            if stack.volume:
                stay.callback(engine.api.remove_volume, stack.volume)
            stay.callback(site.close)
            source = ROOT / "examples/shop" if stack.name == "shop" else HERE / "files" / stack.name
            shutil.copytree(source, site.src, dirs_exist_ok=True)
            (site.conf / "site.conf").unlink()
            site.start_nginx()
            with contextlib.redirect_stdout(sys.stderr):
                seen = deploy(site, stack)
            failed += seen["lost"] > 0 or seen["clashes"] > 0 or seen["kept"] not in (None, seen["posts"])
            print(row(stack, rendered(site, stack), seen), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
