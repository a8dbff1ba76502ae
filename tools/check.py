# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Run the stages named on the command line, or all but the slow ones. A failed stage does not stop the others.

Every check runs in the copy of the tree that tools/tree.sh makes, with its own home directory, so tests and the user's
settings do not affect each other. A stage that ran nothing has failed. The exit status is 0 only if nothing failed.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TREE = ROOT / ".collections/ansible_collections/hotswap/compose"
CACHE = ROOT / ".cache"
HOME = CACHE / "home"
BIN = ROOT / ".venv/bin"

END = 40
"""The number of last lines of a failed command that are printed again, above the table."""

FOREIGN = ("ANSIBLE_", "MOLECULE_", "PYTEST_", "PYTHON", "XDG_", "BLUEGREEN_", "COMPOSE_", "VIRTUAL_ENV")


class Count(NamedTuple):
    """How many checks of a command passed and failed, and a line for each one that was skipped."""

    passed: int
    failed: int
    skipped: list[str]


# Functions that count checks in the output of a command.


def count_command(output: str, ok: bool) -> Count:
    return Count(int(ok), int(not ok), [])


def count_pytest(output: str, ok: bool) -> Count:
    def total(word: str) -> int:
        return sum(int(n) for n in re.findall(rf"(?m)^=+ .*?\b(\d+) {word}\b.* =+$", output))

    skipped = []
    for number, reason in re.findall(r"(?m)^SKIPPED \[(\d+)\] (.*)$", output):
        skipped += [reason] * int(number)
    return Count(total("passed"), total("failed") + total("errors?"), skipped)


def count_ansible_test(output: str, ok: bool) -> Count:
    started = re.findall(r"(?m)^Running (?:sanity test ['\"]|\S+ integration test (?:role|script)$)", output)
    failed = sum(int(n) for n in re.findall(r"The (\d+) \w+ test\(s\) listed below \(out of \d+\) failed", output))
    skipped = re.findall(r"(?m)^WARNING: ((?:Skipping|Excluding) .*)$", output)  # printed twice
    return Count(len(started) - failed, failed, list(dict.fromkeys(skipped)))


def count_molecule(output: str, ok: bool) -> Count:
    failures = [int(n) for n in re.findall(r"(?m)^\S+ +: actions=.* failed=(\d+)", output)]
    failed = sum(n > 0 for n in failures)
    return Count(len(failures) - failed, failed, [])


def shell_scripts() -> list[str]:
    scripts = [*TREE.glob("tools/*.sh"), *TREE.glob("examples/ci/*.sh"), TREE / ".ci/run"]
    return sorted(str(path.relative_to(TREE)) for path in scripts)


# Two test modules at a time, one for each core.
E2E = ["pytest", "-n", "2", "--dist", "loadfile", "--durations", "30", "-p", "no:cacheprovider", "tests/e2e"]

# Two scenarios at a time, on one host. They share its state, so a host that a killed run left is removed first.
MOLECULE_RESET = ["molecule", "destroy", "-s", "default"]
MOLECULE = ["molecule", "test", "--workers", "2", "--continue-on-failure"]

# Without a name: first two lanes of stages that need one core each, in parallel, then the stage that needs all.
ALL = ((("lint", "sanity", "units"), ("images", "integration", "molecule")), (("e2e",),))

# Stage: its directory, the function that counts its checks, its commands.
STAGES = {
    "lint": (
        TREE,
        count_command,
        [
            ["ruff", "check", "."],
            ["ruff", "format", "--check", "."],
            ["yamllint", "--strict", "."],
            ["ansible-lint", "--offline", "--profile", "production"],
            ["antsibull-changelog", "lint"],
            ["antsibull-docs", "lint-collection-docs", "--plugin-docs", "."],
            ["python", "tools/reference.py", "--check"],
            ["reuse", "lint", "--lines"],
            ["shellcheck", *shell_scripts()],
        ],
    ),
    "sanity": (TREE, count_ansible_test, [["ansible-test", "sanity", "--color", "no"]]),
    "units": (TREE, count_pytest, [["ansible-test", "units", "--color", "no", "--python", "default"]]),
    "images": (ROOT, count_command, [["tools/engine.sh", "up"], ["tools/images.sh", "test"]]),
    "integration": (
        TREE,
        count_ansible_test,
        [["ansible-test", "integration", "--color", "no", "--continue-on-error"]],
    ),
    "molecule": (TREE, count_molecule, [MOLECULE_RESET, [*MOLECULE, "-s", "default"]]),
    "molecule-all": (TREE, count_molecule, [MOLECULE_RESET, [*MOLECULE, "--all"]]),
    "e2e": (TREE, count_pytest, [[*E2E, "-m", "not long and not ee"]]),
    "e2e-long": (TREE, count_pytest, [[*E2E, "-m", "not ee"]]),  # tests of a module build on each other
    "ee-image": (ROOT, count_command, [["tools/engine.sh", "up"], ["tools/images.sh", "ee"], ["tools/ee.sh"]]),
    "ee": (TREE, count_pytest, [[*E2E, "-m", "ee"]]),
}


def write_home(home: Path, venv: Path) -> None:
    """Create the home that ansible-test needs. It passes only HOME to pip, so the settings of pip and the stand-in for
    get-pip are there."""
    settings = {}
    listed = subprocess.run([BIN / "pip", "config", "list"], check=True, capture_output=True, text=True).stdout
    for scope in ("global", ":env:"):  # the environment outranks the files
        settings.update(re.findall(rf"(?m)^{scope}\.([\w-]+)=(.*)$", listed))
    lines = ["[global]"]
    for key, value in settings.items():
        lines.append(f"{key} = " + "\n    ".join(ast.literal_eval(value).split()))
    config = home / ".config/pip/pip.conf"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.touch(mode=0o600)
    config.write_text("\n".join(lines) + "\n")

    cache = home / ".ansible/test/cache"
    cache.mkdir(parents=True, exist_ok=True)
    source = next(venv.glob("lib/python*/site-packages/ansible_test/_internal/python_requirements.py"))
    for version in re.findall(r"pip='([\d.]+)'", source.read_text()):
        stub = cache / f"get_pip_{version.replace('.', '_')}.py"
        stub.write_text("import ensurepip\n\nensurepip.bootstrap()\n")


def environment(home: Path, programs: Path) -> dict[str, str]:
    """Return the environment of a check; ``programs``: the directory of its programs."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    env.update(
        HOME=str(home),
        # Not the caller's, because ansible-test uses every pythonX.Y on it, even the shims of a version manager.
        PATH=f"{programs}:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".collections"),
        NO_COLOR="1",
        PYTHONPYCACHEPREFIX=str(CACHE / "pycache"),  # kept between runs, outside the tree
        RUFF_CACHE_DIR=str(CACHE / "ruff"),
    )
    return env


def run(command: list[str], cwd: Path, env: dict[str, str], log, prefix: str) -> tuple[str, bool]:
    """Run a command, and print and log its output; return the output and whether the exit status was 0."""
    lines = []

    def show(line: str) -> None:
        lines.append(line)
        log.write(line)
        print(prefix + line, end="", flush=True)

    show(f"$ {' '.join(command)}\n")
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        show(f"{command[0]} cannot run in {cwd.relative_to(ROOT)}: {error}\n")
        return "".join(lines), False
    for line in process.stdout:
        show(line)
    return "".join(lines), process.wait() == 0


class Result(NamedTuple):
    """The result of a stage; ``ends``: the last lines of each failed command."""

    stage: str
    count: Count
    seconds: float
    ends: list[str]


def run_stage(name: str, env: dict[str, str], prefix: str) -> Result:
    """Run all commands of a stage; the result has the sum of their counts."""
    start = time.monotonic()
    cwd, count, commands = STAGES[name]
    counts, ends = [], []
    with open(CACHE / "logs" / f"{name}.log", "w", encoding="utf-8") as log:
        for command in commands:
            output, ok = run(command, cwd, env, log, prefix)
            counted = count(output, ok)
            if counted.failed == 0 and (counted.passed == 0 or not ok):
                counted = counted._replace(failed=1)
            counts.append(counted)
            if counted.failed:
                ends.append("".join(output.splitlines(keepends=True)[-END:]))
    total = Count(
        sum(each.passed for each in counts),
        sum(each.failed for each in counts),
        [reason for each in counts for reason in each.skipped],
    )
    return Result(name, total, time.monotonic() - start, ends)


def run_lane(names: tuple[str, ...], env: dict[str, str], alone: bool) -> list[Result]:
    """Run stages one after the other; prefix their output with their names, unless they run ``alone``."""
    results = []
    for name in names:
        print(f"\n=== {name}", flush=True)
        results.append(run_stage(name, env, "" if alone else f"{name} | "))
    return results


def run_all(groups: tuple, env: dict[str, str]) -> list[Result]:
    """Run groups one after the other, and the lanes of a group in parallel."""
    results = []
    for lanes in groups:
        alone = len(lanes) == 1
        with ThreadPoolExecutor(len(lanes)) as pool:
            running = [pool.submit(run_lane, names, env, alone) for names in lanes]
        for lane in running:
            results += lane.result()
    return results


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in STAGES]
    if unknown:
        print(f"no such stage: {', '.join(unknown)}; there are {', '.join(STAGES)}", file=sys.stderr)
        return 2
    write_home(HOME, BIN.parent)
    (CACHE / "logs").mkdir(exist_ok=True)
    env = environment(HOME, BIN)
    results = run_all(((tuple(names),),) if names else ALL, env)

    for name, _count, _seconds, ends in results:
        for end in ends:
            print(f"\n=== {name} failed; how it ended:\n{end}", end="")
    print(f"\n{'stage':<12} {'seconds':>7} {'passed':>6} {'failed':>6} {'skipped':>7}  result")
    for name, count, seconds, _ends in results:
        result = f"FAILED, see .cache/logs/{name}.log" if count.failed else "ok"
        print(f"{name:<12} {seconds:>7.1f} {count.passed:>6} {count.failed:>6} {len(count.skipped):>7}  {result}")
    for name, count, _seconds, _ends in results:
        for reason in count.skipped:
            print(f"{name}: {reason}")
    passed = sum(count.passed for _name, count, _seconds, _ends in results)
    failed = sum(count.failed for _name, count, _seconds, _ends in results)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
