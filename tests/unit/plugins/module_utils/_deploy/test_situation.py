# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import situation
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError
from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services

TLS = {"certificate": "/etc/tls/shop.pem", "key": "/etc/tls/shop.key"}


class StandInEdge:
    """nginx on a host whose files lie below a directory. ``text``: our file; ``said``: the whole configuration."""

    name = "nginx"
    container = None
    running = True
    text = None
    said = ""

    def __init__(self, directory):
        self.directory = directory

    def refuse_unwritable(self):
        pass

    def version(self):
        return (1, 30, 6)

    def path(self, name):
        return "/etc/nginx/conf.d/" + name

    def read(self, name):
        return self.text

    def dump(self):
        return True, self.said

    def on_target(self, path):
        return str(self.directory / path.lstrip("/"))


@pytest.fixture
def edge(tmp_path):
    directory = tmp_path / "etc/tls"
    directory.mkdir(parents=True)
    for path in TLS.values():
        (tmp_path / path.lstrip("/")).write_text("no certificate\n")
    return StandInEdge(tmp_path)


def test_certificate_that_is_not_there(edge, tmp_path):
    (tmp_path / "etc/tls/shop.key").unlink()
    with pytest.raises(EdgeError, match="tls.key is '/etc/tls/shop.key', but nginx in nginx has no such file"):
        situation.check_certificate(edge, TLS)


@pytest.mark.parametrize(
    "is_managed, is_mounted, remedy",
    [
        (True, False, "; run docker rm -f nginx, then deploy, which creates"),
        (True, True, "; give the path as nginx sees it"),
        (False, False, "; give the path as nginx sees it"),
    ],
)
def test_a_certificate_that_a_managed_nginx_does_not_mount(edge, tmp_path, monkeypatch, is_managed, is_mounted, remedy):
    (tmp_path / "etc/tls/shop.key").unlink()
    if not is_mounted:
        monkeypatch.setattr(edge, "on_target", lambda _path: None)
    with pytest.raises(EdgeError, match=re.escape("nginx in nginx has no such file" + remedy)):
        situation.check_certificate(edge, TLS, is_managed)


def test_certificate_that_does_not_go_with_its_key(edge):
    with pytest.raises(EdgeError, match="does not match tls.key '/etc/tls/shop.key'"):
        situation.check_certificate(edge, TLS)


@pytest.mark.parametrize("call", ["stat", "load"])
def test_what_the_connecting_user_may_not_read_is_for_nginx_to_judge(edge, monkeypatch, call):
    def forbidden(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    if call == "stat":
        monkeypatch.setattr(situation.os, "stat", forbidden)
    else:
        monkeypatch.setattr(situation.ssl.SSLContext, "load_cert_chain", forbidden)
    assert situation.check_certificate(edge, TLS) is None


@pytest.fixture
def look(edge, monkeypatch):
    """Return what looks at ``edge``, without any container."""
    monkeypatch.setattr(situation, "edge_for", lambda engine, params, state: edge)
    monkeypatch.setattr(situation, "find_all_containers", lambda *_arguments, **_more: ({"blue": [], "green": []}, {}))
    params = {"app": "shop", "state_dir": str(edge.directory), "lock": False, "vhost": {}, "project_src": "/srv/shop"}
    params.update(compose_files=["compose.yml"], shared_services=[], exclusive_services=[])
    services = named_services("shop", [{"name": "was-{color}", "port": 3000}])
    return lambda: situation.Situation(None, params, services, "", may_judge=False)


@pytest.mark.parametrize(
    "text, read",
    [
        (None, r"nginx's configuration \(nginx -T\)"),
        ("upstream", "/etc/nginx/conf.d/bluegreen-shop.conf"),
    ],
)
def test_what_can_t_be_read_is_named(edge, look, text, read):
    edge.text, edge.said = text, "# configuration file /etc/nginx/conf.d/bluegreen-shop.conf:\nupstream"
    with pytest.raises(EdgeError, match=f"^{read} can't be read: .*line 1: the text ends within"):
        look()


@pytest.mark.parametrize("directory", ["./conf.d", "sites/../conf.d", "/conf.d", "live"])
def test_our_file_is_read_however_nginx_calls_it(edge, look, directory):
    edge.text = "upstream shop-was { server shop-blue-was:3000; }\n# generation: 7\n"
    edge.said = f"# configuration file /etc/nginx/{directory}/bluegreen-shop.conf:\n{edge.text}"
    assert look().active == "blue"


def test_a_neighbours_upstream_is_not_read(edge, look):
    edge.said = (
        "# configuration file /etc/nginx/nginx.conf:\nhttp {\n"
        "upstream blog { server 127.0.0.1:9; include /etc/nginx/blog.d/*.srv; server ::; }\n"
        "upstream shop-was { server shop-blue-was:3000; include blog.d/*.srv; } }\n"
    )
    assert look().active == "blue"


@pytest.mark.parametrize(
    "block, said",
    [
        ("server was-blue:3000;", ""),
        (
            "least_conn; server was-blue:3000 max_fails=2; keepalive 16;",
            ". For upstream shop-was, set upstream_options of the service: {balance: least_conn, max_fails: 2, "
            "keepalive: 16}",
        ),
        (
            "hash $uri; server was-blue:3000;",
            ". upstream_options has no equivalent for these settings of shop-was: hash $uri",
        ),
    ],
)
def test_the_settings_of_a_block_that_has_to_go_are_named(edge, look, block, said):
    edge.said = f"# configuration file /etc/nginx/nginx.conf:\nhttp {{ upstream shop-was {{ {block} }} }}\n"
    found = look()
    assert found._lost_options('[emerg] duplicate upstream "shop-was"', edge.said) == said
    assert found._lost_options("[emerg] host not found", edge.said) == ""


def test_how_long_the_users_own_blocks_wait_for_a_connection(edge, look):
    """Not the role's own file, which the next deploy writes anew anyway."""
    server = "server {\n    location / { proxy_pass http://shop-was; }\n}\n"
    edge.text = "upstream shop-was { server shop-blue-was:3000; }\n" + server
    files = {"nginx.conf": "http { include conf.d/*; }\n", "conf.d/bluegreen-shop.conf": edge.text}
    files.update(
        {"conf.d/shop.conf": server, "conf.d/with-preview.conf": server.replace("shop-w", "$bluegreen_shop_w")}
    )
    edge.said = "".join(f"# configuration file /etc/nginx/{name}:\n{text}\n" for name, text in files.items())
    assert look().connect_timeouts == [
        ("/etc/nginx/conf.d/shop.conf", 2, 60),
        ("/etc/nginx/conf.d/with-preview.conf", 2, 60),
    ]
    edge.said += "server {"
    assert look().connect_timeouts == []
