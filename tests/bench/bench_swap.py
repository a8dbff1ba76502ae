# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Measure what clients lose at a swap by this role, and by editing the file and running `nginx -s reload`.

The shop of examples/ runs behind a real nginx, under tools/load.py. For each nginx it measures the load alone, then
while the role swaps another shop behind another nginx, while the role swaps this shop, and while a script edits and
reloads. Prints the Markdown table of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLIENTS = ["--get=16", "--post=8", "--fresh=4", "--slow=4", "--slow-seconds=3", "--upload=6", "--upload-seconds=3"]
CLIENTS += ["--websocket=4"]


def run(*argv, **options):
    return subprocess.run(argv, check=True, capture_output=True, text=True, **options).stdout


class Bench:
    """A shop behind its own nginx."""

    def __init__(self, nginx, directory, think_ms=0, beside=False):
        self.nginx = nginx
        self.name = f"bench-swap-{nginx.replace('.', '-')}{'-beside' if beside else ''}"  # several may run
        self.port = 18000 + int(nginx.rpartition(".")[2]) + 100 * beside
        self.directory = directory
        self.think_ms = think_ms
        self.conf = directory / "conf.d"
        self.conf.mkdir(parents=True)
        shutil.copy(ROOT / "examples/shop/edge/conf.d/shop.conf", self.conf)
        (directory / "network.yml").write_text(f"networks:\n  edge:\n    name: {self.name}\n    external: true\n")

    def variables(self):
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "bluegreen_app": self.name,
            "bluegreen_project_src": str(ROOT / "examples/shop"),
            "bluegreen_compose_files": ["compose.{color}-deploy.yml", str(self.directory / "network.yml")],
            "bluegreen_services": [
                {"name": "was-{color}", "port": 3000, "upstream": "shop-was"},
                {"name": "signal-{color}", "port": 3001, "upstream": "shop-signal"},
            ],
            "bluegreen_network": self.name,
            "bluegreen_nginx_container": self.name,
            "bluegreen_nginx_conf_dir": str(self.conf),
            "bluegreen_state_dir": str(self.directory / "state"),
            "bluegreen_pull": "never",
            "bluegreen_drain_timeout": 4,  # each drain takes its limit, because the load's WebSockets stay open
        }

    def up(self):
        run("docker", "network", "create", self.name)
        run(
            "docker", "run", "-d", "--name", self.name, "--network", self.name, "--restart=unless-stopped", "-p",
            f"127.0.0.1:{self.port}:80", "-v", f"{self.conf}:/etc/nginx/conf.d", f"hotswap/nginx:{self.nginx}",
        )  # fmt: skip
        self.swap(1)

    def swap(self, times):
        """Deploy v2 and v1 in turn, in one play; return ``[{began, phases}]``, one for each swap."""
        out = self.directory / "swaps.jsonl"
        out.unlink(missing_ok=True)
        variables = dict(self.variables(), bench_swaps=times, bench_out=str(out))
        environ = dict(os.environ, ANSIBLE_COLLECTIONS_PATH=str(ROOT / ".collections"), ANSIBLE_PIPELINING="1")
        # A real controller is another machine, so Ansible must not take the processor from nginx and its clients.
        argv = ["nice", "-n", "19", str(pathlib.Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,"]
        argv += [str(ROOT / "tests/bench/swaps.yml"), "-e", json.dumps(variables)]
        log = self.directory / "ansible.log"
        with log.open("a") as file:
            rc = subprocess.run(argv, env=environ, stdout=file, stderr=file, check=False).returncode
        assert rc == 0, log.read_text()[-4000:]
        noted = [json.loads(line) for line in out.read_text().splitlines()]
        assert len(noted) == times, f"{len(noted)} of {times} swaps"
        return noted

    def without_the_role(self):
        """Restart nginx without the file that makes it keep idle connections, as a user of the script has it."""
        (self.conf / "bluegreen.conf").unlink(missing_ok=True)
        run("docker", "restart", self.name)
        time.sleep(2)

    def plain(self, times):
        """Swap as the shell script does: edit nginx's file, then `nginx -s reload`.

        The color stays the same, so that only the reload can drop a request.
        """
        path = self.conf / f"bluegreen-{self.name}.conf"
        text = path.read_text()
        for number in range(times):
            path.write_text(text + f"# {number}\n")
            run("docker", "exec", self.name, "nginx", "-s", "reload")
            time.sleep(1)

    @contextlib.contextmanager
    def load(self, name, reports):
        stop, out = self.directory / "stop", self.directory / f"{name}.json"
        stop.unlink(missing_ok=True)
        argv = [sys.executable, str(ROOT / "tools/load.py"), "--url", f"http://127.0.0.1:{self.port}", *CLIENTS]
        argv += [f"--think-ms={self.think_ms}", "--duration=7200", f"--stop-file={stop}", f"--out={out}"]
        process = subprocess.Popen(argv, stdout=subprocess.DEVNULL)
        time.sleep(1)
        try:
            yield
        finally:
            stop.touch()
            process.wait(timeout=60)
            reports[name] = json.loads(out.read_text())

    def down(self):
        for color in ("blue", "green"):
            project = f"{self.name}-{color}"
            names = run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={project}").split()
            if names:
                run("docker", "rm", "-f", *names)
            subprocess.run(["docker", "network", "rm", f"{project}_default"], capture_output=True, check=False)
        subprocess.run(["docker", "rm", "-f", self.name], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", self.name], capture_output=True, check=False)


def cut_early(report, swaps):
    """Return how many WebSockets closed outside the window from the end of a drain to the end of that swap."""
    windows = []
    for swap in swaps:
        phases = swap["phases"]
        drained = swap["began"] + sum(phases[name] for name in ("detect", "start", "gate", "swap", "drain"))
        windows.append((drained - 0.2, drained + phases["retire"] + phases["record"] + 1))
    cuts = [
        datetime.datetime.fromisoformat(cut["at"].replace("Z", "+00:00")).timestamp()
        for cut in report["kinds"]["websocket"]["cut"]
    ]
    return sum(not any(begin <= cut <= end for begin, end in windows) for cut in cuts)


def row(nginx, what, swaps, report, early):
    kinds = report["kinds"]
    dropped = " ".join(str(kinds[kind]["dropped"]) for kind in ("get", "post", "fresh", "slow", "upload"))
    return "| {} | {} | {} | {:,} | {} | {} | {} / {} | {} | {} |".format(
        nginx, what, swaps, report["total"]["requests"], dropped, report["total"]["errors_5xx"],
        kinds["websocket"]["opened"], early, kinds["get"]["p50_ms"], kinds["get"]["p99_ms"],
    )  # fmt: skip


def measure(nginx, arguments):
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bench-swap-"))
    bench = Bench(nginx, directory / "shop", arguments.think_ms)
    beside = Bench(nginx, directory / "beside", beside=True)
    reports = {}
    try:
        bench.up()
        beside.up()
        version = subprocess.run(
            ["docker", "exec", bench.name, "nginx", "-v"], capture_output=True, text=True, check=True
        ).stderr
        version = version.strip().rpartition("/")[2]
        with bench.load("alone", reports):
            time.sleep(arguments.alone)
        with bench.load("beside", reports):
            beside.swap(arguments.beside + 1)
        beside.down()
        with bench.load("role", reports):
            swaps = bench.swap(arguments.swaps + 1)[1:]  # the first has nothing to do: its release is live
        bench.without_the_role()
        with bench.load("plain", reports):
            bench.plain(arguments.swaps)
    finally:
        bench.down()
        beside.down()
    shutil.rmtree(directory)
    return [
        row(version, "no swap", 0, reports["alone"], 0),
        row(version, "no swap, another shop is swapped", 0, reports["beside"], 0),
        row(version, "this role", len(swaps), reports["role"], cut_early(reports["role"], swaps)),
        row(version, "edit, nginx -s reload", arguments.swaps, reports["plain"], "-"),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--swaps", type=int, default=120)
    parser.add_argument("--alone", type=int, default=60, help="seconds of the load without swaps")
    parser.add_argument("--beside", type=int, default=20, help="swaps of another shop, behind another nginx")
    parser.add_argument("--think-ms", type=int, default=100)
    parser.add_argument("--nginx", nargs="+", default=["1.26", "1.30"])
    arguments = parser.parse_args()
    print(
        "| nginx | swapped by | swaps | requests | dropped: get post fresh slow upload | 5xx | WebSockets / cut early "
        "| p50 ms | p99 ms |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for nginx in arguments.nginx:
        for line in measure(nginx, arguments):
            print(line, flush=True)


if __name__ == "__main__":
    main()
