# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One compose.yml that knows nothing of colors: a database, a worker, ports, names; the tests build on each other."""

from __future__ import annotations

import re
import subprocess

import pytest
from sites import Watching, output_of, until

COMPOSE = """\
name: @site@-legacy
x-app: &app
  image: @site@/app:${BLUEGREEN_RELEASE:-v1}
  restart: unless-stopped
  stop_grace_period: 2s
  healthcheck: &healthy
    test: [CMD, test, -e, /tmp/healthy]
    start_interval: 400ms
    start_period: 800ms
    interval: 2s
    timeout: 2s
    retries: 2
services:
  web:
    <<: *app
    container_name: @site@-web
    ports: ["127.0.0.1:@port@:3000"]
    depends_on:
      db: {condition: service_healthy}
      cache: {condition: service_healthy}
      mail: {condition: service_started, required: false}
    labels: {motto: "ship it \U0001f680"}
    links: ["db:database"]
    networks: {default: {}, corp: {aliases: [orders-api]}}
    environment:
      BLUEGREEN_RELEASE: ${BLUEGREEN_RELEASE:-v1}
      BLUEGREEN_COLOR: ${BLUEGREEN_COLOR:-}
      BEHAVIOUR: ${BEHAVIOUR:-healthy}
      QUEUE: "${COMPOSE_PROJECT_NAME}:jobs"
    volumes: ["files:/files", "company:/company:ro", "./tree:/tree", "/scratch"]
  mail:
    image: @site@/app:v1
    profiles: [dev]
  worker:
    <<: *app
    depends_on: [db]
    environment: {BEHAVIOUR: "${WORKER:-healthy}"}
  cache:
    image: @site@/app:v1
    healthcheck: *healthy
  db:
    image: @site@/app:v1
    container_name: @site@-db
    restart: unless-stopped
    healthcheck: *healthy
    environment: {GREETING: "${DB:-}"}
    volumes: ["data:/data"]
volumes:
  data: {}
  files: {}
  company: {external: true, name: @site@-company_files}
networks:
  corp: {name: "@site@-corp", external: true}
"""


@pytest.fixture(scope="module")
def site(site):
    """v1 runs by hand, as it always did; nginx sends the traffic there."""
    (site.src / "compose.yml").write_text(site.text(COMPOSE).replace("@port@", "0"))
    for release in ("v1", "v2", "v3"):
        site.image(release)
    (site.src / "tree").mkdir()
    site.docker.volumes.create(f"{site.name}-company_files")
    site.docker.networks.create(f"{site.name}-corp")
    by_hand(site, "up", "--detach", "--wait")
    web = site.docker.containers.get(f"{site.name}-web")
    output_of(web, "sh", "-c", "echo ours | tee /files/mine /tree/mine")
    site.docker.networks.get(site.name).connect(f"{site.name}-web", aliases=["web"])
    output_of(db(site), "sh", "-c", "echo ours > /data/mine")
    (site.conf / "upstream.conf").write_text(f"upstream {site.app}-web {{ server web:3000; }}\n")
    site.start_nginx()
    (site.conf / "upstream.conf").unlink()
    return site


def by_hand(site, *words):
    subprocess.run(["docker", "compose", *words], cwd=site.src, check=True, capture_output=True, timeout=120)


def by_hand_of(site, color, *words):
    """What a person may do to a color, by the file that it runs from."""
    deploy = next(iter(site.containers(color).values())).labels["hotswap.compose.deploy"]
    file = site.state / site.app / "deploys" / deploy / f"compose.{color}.json"
    by_hand(site, "--project-name", f"{site.app}-{color}", "--file", str(file), *words)


def db(site):
    return site.docker.containers.get(f"{site.name}-db")


def keeps_its_data(site):
    return output_of(db(site), "cat", "/data/mine") == "ours\n"


def finds_its_files(site, color):
    """Whether the color has the files that were written by hand, each at its place, and its own volume alone."""
    (web,) = of(site, color, "web")
    volumes = {each["Destination"]: (each["Name"], each["RW"]) for each in web.attrs["Mounts"] if "Name" in each}
    del volumes["/scratch"]
    named = {"/files": (f"{site.name}-legacy_files", True), "/company": (f"{site.name}-company_files", False)}
    return volumes == named and output_of(web, "cat", "/files/mine", "/tree/mine") == "ours\n" * 2


def deploy(site, release, behaviour="healthy", worker="healthy", **more):
    return site.play("deploy", release=release, env={"BEHAVIOUR": behaviour, "WORKER": worker}, **ordinary(), **more)


def ordinary():
    return {
        "compose_files": [],  # what Compose loads by itself
        "services": [{"name": "web", "port": 3000}],
        "shared_services": ["db"],
        "exclusive_services": ["worker"],
    }


class Workers(Watching):
    """For as long as the block runs, how many workers there were at most."""

    def __init__(self, site):
        super().__init__()
        self.site, self.most = site, 0

    def run(self):
        while not self.stopped.wait(0.05):
            self.most = max(self.most, len(workers(self.site)))


LOOK_UPS = """
import socket, sys, time
looked, failed = 0, 0
while True:
    try:
        with socket.create_connection(("orders-api", 3000), timeout=2):
            looked += 1
    except OSError:
        failed += 1
    print(looked, failed, flush=True)
    time.sleep(0.02)
"""


class Neighbour:
    """A container on the network of others; for as long as the block runs, how often it reached the app by its alias
    there, and how often it did not."""

    def __init__(self, site):
        self.site = site

    def __enter__(self):
        self.container = self.site.docker.containers.run(
            f"{self.site.name}/app:v1",
            entrypoint=["python3", "-c", LOOK_UPS],
            network=f"{self.site.name}-corp",
            name=f"{self.site.name}-neighbour",
            detach=True,
        )
        until(lambda: self.container.logs(tail=1), "the neighbour looks the alias up")
        return self

    def __exit__(self, *_):
        self.looked, self.failed = map(int, self.container.logs(tail=1).split())
        self.addresses = looked_up(self.container, "orders-api")
        self.container.remove(force=True)

    def lost_nothing(self, color):
        """And at the end the alias is that color's alone."""
        assert self.looked > 20 and self.failed == 0
        assert len(self.addresses) == 1 and self.addresses <= addresses(of(self.site, color, "web"))


def workers(site):
    """The projects whose workers run."""
    running = site.docker.api.containers(filters={"label": "com.docker.compose.service=worker"})
    labels = [container["Labels"] for container in running]
    return [
        each["com.docker.compose.project"] for each in labels if each["com.docker.compose.project"].startswith(site.app)
    ]


def looked_up(container, name):
    """The addresses that a name has inside a container, over a few look-ups."""
    code = f"import socket; print(*{{a for i in range(20) for a in socket.gethostbyname_ex({name!r})[2]}})"
    return set(output_of(container, "python3", "-c", code).split())


def addresses(containers):
    found = set()
    for container in containers:
        container.reload()
        found |= {network["IPAddress"] for network in container.attrs["NetworkSettings"]["Networks"].values()}
    return found


def of(site, color, service):
    found = site.containers(color).values()
    return [each for each in found if each.labels["com.docker.compose.service"] == service]


def test_a_site_that_runs_is_taken_over(site):
    started = db(site).attrs["State"]["StartedAt"]
    with site.load() as load, Workers(site) as seen, Neighbour(site) as neighbour:
        run = deploy(site, "v2").succeeded()
    neighbour.lost_nothing("green")
    (warning,) = [each for each in run.result["warnings"] if "can't reach service web" in each]
    assert f"by the name {site.name}-web or web" in warning
    # Of the first reload: the nginx that was there kept no idle connection over it (see test_adoption).
    assert load.dropped <= 7 and load.report["total"]["errors_5xx"] == 0
    assert (run.result["outcome"], run.result["active_color"]) == ("deployed", "green")
    site.serves("v2", "green")
    assert seen.most == 1 and workers(site) == [f"{site.app}-green"]
    (web,) = of(site, "green", "web")
    assert f"QUEUE={site.name}-legacy:jobs" in web.attrs["Config"]["Env"]  # as by hand
    assert web.labels["motto"] == "ship it \U0001f680"
    assert db(site).attrs["State"]["StartedAt"] == started and keeps_its_data(site)
    before = site.docker.containers.get(f"{site.name}-web")
    assert before.status == "exited" and finds_its_files(site, "green")
    (scratch,) = [each["Name"] for each in before.attrs["Mounts"] if each["Destination"] == "/scratch"]
    for words in (
        f"container {before.name} has the volume {scratch} at /scratch, but the new release does not mount it there",
        "/scratch of service web",
        "service web of both releases writes volume files",
        f"directory {site.src}/tree while both run",
    ):
        assert any(words in each for each in run.result["warnings"]), words


def test_the_same_again_is_unchanged(site):
    before = site.snapshot()
    run = deploy(site, "v2").succeeded()
    assert (run.result["outcome"], run.changed) == ("unchanged", 0)
    assert site.snapshot() == before


def test_no_look_up_inside_one_color_meets_the_other(site):
    with Neighbour(site) as neighbour:
        deploy(site, "v3", retire="keep").succeeded()
    neighbour.lost_nothing("blue")
    for color in ("blue", "green"):
        (web,) = of(site, color, "web")
        for _round in range(2):
            for name in ("web", "cache"):
                assert looked_up(web, name) <= addresses(of(site, color, name)) != set()
            assert looked_up(web, "db") == looked_up(web, "database") <= addresses([db(site)])
            web.restart(timeout=2)
    (active,) = of(site, "blue", "web")
    assert finds_its_files(site, "blue")
    by_hand_of(site, "blue", "up", "--detach", "--no-recreate", "--scale", "cache=2", "cache")
    assert len(of(site, "blue", "cache")) == 2
    assert looked_up(active, "cache") == addresses(of(site, "blue", "cache"))
    by_hand_of(site, "blue", "up", "--detach", "--no-recreate", "--scale", "cache=1", "cache")
    assert workers(site) == [f"{site.app}-blue"]


def test_worker_that_does_not_start_gives_all_back(site):
    until(lambda: site.get()[0] == 200, "it answers", 30)
    with site.load() as load, Workers(site) as seen:
        run = deploy(site, "v2", worker="exit").failed()
    load.lost_nothing()
    assert run.result["outcome"] == "rolled_back"
    assert "worker" in run.message
    site.serves("v3", "blue")
    until(lambda: workers(site) == [f"{site.app}-blue"], "the old worker runs again")
    assert seen.most <= 1


def test_rollback_moves_the_worker_back(site):
    deploy(site, "v2").succeeded()
    with site.load() as load, Workers(site) as seen, Neighbour(site) as neighbour:
        run = site.rollback(**ordinary()).succeeded()
    load.lost_nothing()
    neighbour.lost_nothing(run.result["active_color"])
    site.serves("v3", run.result["active_color"])
    assert seen.most == 1 and workers(site) == [f"{site.app}-{run.result['active_color']}"]
    assert keeps_its_data(site) and finds_its_files(site, run.result["active_color"])


@pytest.mark.long
@pytest.mark.parametrize("seconds", [0, 1.5])
def test_kill_while_the_worker_moves(site, seconds):
    release = "v1" if site.release() != "v1" else "v2"
    run = site.begin("deploy", release=release, **ordinary())
    run.until("exclusive", seconds)
    run.kill(everything=True)
    with Workers(site) as seen:
        result = deploy(site, release).succeeded().result
    site.serves(release, result["active_color"])
    assert seen.most <= 1 and workers(site) == [f"{site.app}-{result['active_color']}"]


def test_shared_service_that_is_defined_anew_runs_on_until_it_is_asked_for(site):
    volume = db(site).attrs["Mounts"][0]["Name"]
    db(site).remove(force=True)  # what was started by hand is ours from now on
    release = site.release()
    deploy(site, release).succeeded()
    assert keeps_its_data(site) and db(site).attrs["Mounts"][0]["Name"] == volume == f"{site.name}-legacy_data"
    started = db(site).id
    run = site.play("deploy", release=release, env={"DB": "hello"}, **ordinary()).succeeded()
    assert any("the definition of shared service db has changed" in each for each in run.result["warnings"])
    assert db(site).id == started
    site.play("deploy", release=release, env={"DB": "hello"}, shared_update=True, **ordinary()).succeeded()
    assert db(site).id != started and keeps_its_data(site)
    assert re.search(rf"\n  shared +db +{site.name}-db +running ", site.play("status").succeeded().stdout)


def test_shared_service_that_is_not_named_any_more_is_refused(site):
    before = site.snapshot()
    run = site.play("deploy", release="v1", **{**ordinary(), "shared_services": []}).failed()
    assert "db is a shared service" in run.message
    assert site.snapshot() == before


def test_database_is_never_started_a_second_time_on_its_volume(site):
    volumes = {f"{site.name}-legacy_data": {"bind": "/data"}}
    other = site.docker.containers.run(f"{site.name}/app:v1", name=f"{site.name}-backup", volumes=volumes, detach=True)
    db(site).remove(force=True)
    run = deploy(site, "v1" if site.release() != "v1" else "v2").failed()
    assert f"which the container {site.name}-backup writes" in run.message
    other.remove(force=True)


@pytest.mark.parametrize(
    "text, more, words",
    [
        ("services: {web: {image: x, ports: [}}", {}, "docker compose rejects other.yml"),
        ("services: {web: {image: '${GONE:?say which}'}}", {}, "GONE"),
        (
            "services: {web: {image: x}}",
            {"shared_services": ["db"]},
            "bluegreen_shared_services: the Compose files have no",
        ),
        (
            "services: {api: {image: x}}",
            {"shared_services": []},
            "bluegreen_services: the Compose files have no service web",
        ),
        (
            "services: {web: {image: x, depends_on: [w]}, w: {image: x}}",
            {"shared_services": [], "exclusive_services": ["w"]},
            "service web depends on w, which only starts after the swap",
        ),
    ],
)
def test_what_cannot_be_deployed_is_refused_before_anything_starts(site, text, more, words):
    before = site.snapshot()
    with site.compose_file("other.yml", text):
        variables = {**ordinary(), "exclusive_services": [], "compose_files": ["other.yml"], **more}
        run = site.play("deploy", release="v1", **variables).failed()
        assert words in run.message
    assert site.snapshot() == before


def test_shared_service_that_fails_says_why(site):
    text = (site.src / "compose.yml").read_text()
    with site.compose_file(
        "other.yml", text.replace("services:", "services:\n  search: {<<: *app, environment: {BEHAVIOUR: exit}}", 1)
    ):
        more = {"compose_files": ["other.yml"], "shared_services": ["db", "search"]}
        run = site.play("deploy", release=site.release(), **{**ordinary(), **more}).failed()
    assert "in the phase shared: " in run.message and "exited with 3" in run.message
    assert "boots and is exit" in run.message
