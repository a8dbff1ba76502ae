# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run each check and each kind of rollback once: count what clients saw, and compare how the run ended.

Prints the Markdown table of docs/tested.md. Exits 1 if a run does not end as expected.
"""

from __future__ import annotations

import contextlib
import pathlib
import sys
import tempfile
import time
from typing import NamedTuple

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import docker  # noqa: E402
from sites import APP_IMAGE, HERE, Site  # noqa: E402

SMOKE = [{"service": "web-{color}", "path": "/smoke", "retries": 0, "jmespath": "BEHAVIOUR == 'healthy'"}]
MIGRATION = {"service": "web-{color}", "command": "sh -c 'exit 7'"}
CANARY = [{"weight": 20, "hold": 60}]


class Case(NamedTuple):
    """``before``: successful deploys, as ``(release, options)``; ``play``: the run under test, which must end with
    ``outcome`` (None if it is refused up front) and leave the traffic with ``release``."""

    name: str
    before: list
    play: str
    options: dict
    outcome: str | None
    release: str


def deploy(name, behaviour, outcome="rolled_back", **more):
    return Case(name, [], "deploy", {"release": "v2", "env": {"BEHAVIOUR": behaviour}, **more}, outcome, "v1")


def rollback(name, before, release="v1", **more):
    return Case(name, [(each, more) for each in before], "rollback", {}, "rolled_back", release)


CASES = [
    deploy("crash before it is ready", "exit", "rejected"),
    deploy("never healthy", "never-healthy", "rejected"),
    deploy("smoke test fails", "odd", "rejected", smoke_tests=SMOKE),
    deploy("migration fails", "healthy", "rejected", migrate=MIGRATION),
    deploy("crash 2 s after the swap", "dies", bake_seconds=10),
    deploy("unhealthy in the bake", "sickens", bake_seconds=60),
    deploy("20 % of 500s in the bake", "errs", bake_seconds=60),
    deploy("20 % of 500s in a canary of 20 %", "errs", canary_steps=CANARY),
    deploy("awaits its promotion", "healthy", "awaiting_promotion", auto_promote=False),
    Case("`promote`, after all containers of the waiting release have died", [], "promote", {}, None, "v1"),
    Case("`abort` of this release", [], "abort", {}, "rejected", "v1"),
    rollback("rollback, warm", ["v2"], retire="keep"),
    rollback("rollback, stopped", ["v2"]),
    rollback("rollback, removed", ["v2"], retire="remove"),
    Case("rollback, to an older release", [("v2", {}), ("v3", {})], "rollback", {"release": "v1"}, "rolled_back", "v1"),
    rollback("rollback, from the third release", ["v2", "v3"], "v2"),
    rollback("rollback, once more", []),
]


def try_it(site, case):
    """Return what clients saw, the run, and the seconds from the command to the first answer of the release; None if
    the release already had the traffic."""
    vhost = {"server_names": [site.host]}
    for release, options in case.before:
        site.deploy(release, vhost=vhost, **options).succeeded()
    if case.play == "promote":
        for container in site.containers("green" if site.get()[1]["BLUEGREEN_COLOR"] == "blue" else "blue").values():
            container.kill()
    seconds = None
    with site.load() as load:
        moves = site.release() != case.release
        began = time.monotonic()
        run = site.begin(case.play, vhost=vhost, **case.options)
        while moves and run.process.poll() is None:
            if site.release() == case.release:
                seconds = time.monotonic() - began
                break
            time.sleep(0.02)
        done = run.wait()
    return load.report["total"], done, seconds


def main():
    docker.from_env().images.build(path=str(HERE / "app"), tag=APP_IMAGE, rm=True)
    failed = 0
    with contextlib.ExitStack() as stack:
        directory = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cases-")))
        site = Site("cases", directory)
        stack.callback(site.close)
        with contextlib.redirect_stdout(sys.stderr):
            for release in ("v1", "v2", "v3"):
                site.image(release)
            (site.conf / "site.conf").unlink()
            site.start_nginx()
            site.deploy("v1", vhost={"server_names": [site.host]}).succeeded()
        print("| case | requests | dropped | 5xx | exit status | outcome | traffic | seconds to the first answer |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        for case in CASES:
            with contextlib.redirect_stdout(sys.stderr):
                total, run, seconds = try_it(site, case)
            outcome, live = (run.result or {}).get("outcome"), site.release()
            failed += (outcome, live) != (case.outcome, case.release)
            seen = [total["requests"], total["dropped"], total["errors_5xx"], run.rc, outcome or "none", live]
            seen.append(f"{seconds:.1f}" if seconds else "")
            print(f"| {case.name} | {' | '.join(map(str, seen))} |", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
