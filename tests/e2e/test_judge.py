# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A candidate is judged as the nginx that runs would load it, and nobody sees anything of it.

Each kind of nginx, judged by root (beside it), by another user, and where it does not run (in a throw-away container).
"""

from __future__ import annotations

import os

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._docker.engine import Engine
from ansible_collections.hotswap.compose.plugins.module_utils._edge import container as container_module
from ansible_collections.hotswap.compose.plugins.module_utils._edge.container import ContainerEdge
from ansible_collections.hotswap.compose.plugins.module_utils._edge.edge import quoted

CONF_DIR = "/etc/nginx/conf.d"
MAIN = """\
events {}
http {
    limit_req_zone $binary_remote_addr zone=perip:1m rate=9r/s;
    include /etc/nginx/conf.d/*.conf;
}
"""
SERVER = "server { listen 80; location / { %s } }\n"
CACHE = "proxy_cache_path /cache/app keys_zone=app:1m;\n"
SCRIPT = """\
umask 077; mkdir -p /made; echo 'return 204;' >/made/answer; rm -f /etc/nginx/mime.types
sed "s/NAME/$NAME/" /etc/nginx/template >/etc/nginx/nginx.conf; exec nginx -g "daemon off;"
"""
# As OpenResty answers, whose image the tests do not have.
OPENRESTY = """\
#!/bin/sh
if [ "$1" = -V ]; then echo "nginx version: openresty/1.27.1.2" >&2; else exec nginx "$@"; fi
"""

KINDS = {
    "read-only": {
        "server": "access_log /logs/access.log; error_log /logs/error.log;\n"
        + CACHE
        + SERVER % "proxy_pass http://host.example:9;",
        "options": {
            "read_only": True,
            "tmpfs": dict.fromkeys(("/cache", "/run", "/var/lib/nginx", "/tmp"), ""),
            "extra_hosts": {"host.example": "host-gateway"},
        },
    },
    "made-by-its-entrypoint": {
        "configs": {"/etc/nginx/template": MAIN.replace("perip", "NAME"), "/srv/copied": "return 204;"},
        "server": SERVER % "limit_req zone=mine; include /made/answer; include /srv/copied;",
        "options": {"command": ["sh", "-c", SCRIPT], "environment": {"NAME": "mine"}},
    },
    "mounts-above-and-below": {
        "main": MAIN,
        "server": "access_log /dev/stdout;\n" + SERVER % "limit_req zone=perip;",
        "nested": True,
        "options": {"tty": True},
    },
    "another-user": {
        "main": "pid /tmp/nginx.pid;\n" + MAIN,
        "server": "client_body_temp_path /tmp/b; proxy_temp_path /tmp/p; fastcgi_temp_path /tmp/f; "
        "uwsgi_temp_path /tmp/u; scgi_temp_path /tmp/s; access_log /tmp/access.log;\n"
        + SERVER.replace("80", "8080")
        % "return 204;",
        "options": {"user": "33:33", "cap_drop": ["ALL"], "command": ["nginx", "-e", "stderr", "-g", "daemon off;"]},
    },
    "plain": {"server": SERVER % "return 204;"},
    "inline-config": {"main": MAIN, "server": SERVER % "limit_req zone=perip;"},
    "openresty": {
        "configs": {"/usr/local/bin/openresty": OPENRESTY},
        "server": SERVER % "return 204;",
        "options": {"command": ["/usr/local/bin/openresty", "-g", "daemon off;"]},
        "version": (1, 27, 1),
    },
}
LONG = ("plain", "inline-config", "openresty")
"""Kinds whose mechanism another kind shows, or a unit test."""


@pytest.fixture(scope="module")
def network(make_site):
    return make_site("judge")


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.long if name in LONG else ()) for name in KINDS])
def nginx(request, network, tmp_path):
    """An nginx of this kind that runs. Its configuration is sound."""
    kind = KINDS[request.param]
    conf, logs = tmp_path / "conf.d", tmp_path / "logs"
    conf.mkdir()
    logs.mkdir()
    (conf / "site.conf").write_text(kind["server"])
    (conf / "closed.conf").write_text("# for root alone\n")
    (conf / "closed.conf").chmod(0o600 if request.param != "another-user" else 0o644)
    volumes = {str(logs): {"bind": "/logs", "mode": "rw"}}
    configs = dict(kind.get("configs", {}))
    if kind.get("nested"):
        (tmp_path / "nginx.conf").write_text(kind["main"])
        (conf / "own.conf").write_text("")
        (tmp_path / "own.conf").write_text("# of its own mount\n")
        volumes[str(tmp_path)] = {"bind": "/etc/nginx", "mode": "rw"}
        volumes[str(tmp_path / "own.conf")] = {"bind": f"{CONF_DIR}/own.conf", "mode": "rw"}
    else:
        volumes[str(conf)] = {"bind": CONF_DIR, "mode": "ro"}
        configs.update({"/etc/nginx/nginx.conf": kind["main"]} if "main" in kind else {})
    container = network.start_nginx(
        name=f"{network.name}-{request.param}",
        volumes=volumes,
        configs=configs,
        **kind.get("options", {}),
        wait=False,
    )
    edge = ContainerEdge(Engine.connect({}), container.name, network.name, str(conf), str(tmp_path / "scratch"))
    assert edge.running and edge.workers(), container.logs()
    assert edge.version()[:2] == kind.get("version", (1, 30))[:2]
    yield edge, conf, logs
    container.remove(force=True)


def seen(edge, conf, logs):
    """What a judgement could leave behind, or change."""
    api = edge.engine.api
    ours = {"label": f"{container_module.JUDGE}={edge.scratch_dir}"}
    inspected = api.inspect_container(edge.name)
    inspected.pop("ExecIDs", None)
    files = {path: (path.read_bytes(), path.stat()) for path in [*conf.iterdir(), *logs.iterdir()]}
    return {
        "files": {path: (text, stat.st_mode, stat.st_mtime) for path, (text, stat) in files.items()},
        "layer": sorted((each["Path"], each["Kind"]) for each in api.diff(edge.name) or []),
        "container": inspected["State"],
        "workers": edge.workers(),
        "log": api.logs(edge.name),
        "listening": sorted(line.split()[1] for line in edge._tables("tcp")),
        "left": api.containers(all=True, filters=ours) + api.images(filters=ours),
    }


def judgements(edge):
    """Judge a sound candidate, with files that nginx would make for it, and one that is not."""
    new = "proxy_cache_path /tmp/new-cache keys_zone=new:1m; server { listen 8081; access_log /tmp/new.log; }\n"
    ok, said = edge.judge({"bluegreen-shop.conf": "# generation: 1\n" + new, "absent.conf": None})
    assert ok, said
    assert f"# configuration file {CONF_DIR}/bluegreen-shop.conf:\n# generation: 1\n" in said
    assert f"# configuration file {CONF_DIR}/site.conf:\n" in said
    assert ("own.conf:\n# of its own mount\n" in said) is ("own.conf" in os.listdir(edge.conf_dir))
    ok, said = edge.judge({"bluegreen-shop.conf": "server { lisen 80; }\n"})
    assert not ok
    assert f'unknown directive "lisen" in {CONF_DIR}/bluegreen-shop.conf:1' in quoted(said)


def test_a_judgement_is_that_of_the_real_nginx_and_leaves_nothing(nginx, monkeypatch):
    edge = nginx[0]
    before = seen(*nginx)
    with monkeypatch.context() as root:
        root.setattr(edge, "_judge_apart", None)
        judgements(edge)
    monkeypatch.setattr(container_module.os, "geteuid", lambda: 1000)
    judgements(edge)
    assert seen(*nginx) == before
    edge.engine.api.stop(edge.name, timeout=1)
    edge.refresh()
    judgements(edge)
