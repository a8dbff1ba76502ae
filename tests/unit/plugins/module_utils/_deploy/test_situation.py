# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._deploy import situation
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError

TLS = {"certificate": "/etc/tls/shop.pem", "key": "/etc/tls/shop.key"}


class StandInEdge:
    """nginx on a host whose files lie below a directory. ``text``: our file; ``said``: the whole configuration."""

    name = "nginx"
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
    with pytest.raises(EdgeError, match="'/etc/tls/shop.key': tls.key: nginx in nginx has no such file"):
        situation.check_certificate(edge, TLS)


def test_certificate_that_does_not_go_with_its_key(edge):
    with pytest.raises(EdgeError, match="tls.certificate does not go with the key /etc/tls/shop.key"):
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


@pytest.mark.parametrize(
    "text, read",
    [
        (None, r"nginx's configuration \(nginx -T\)"),
        ("upstream", "/etc/nginx/conf.d/bluegreen-shop.conf"),
    ],
)
def test_what_can_t_be_read_is_named(edge, monkeypatch, text, read):
    edge.text, edge.said = text, "# configuration file /etc/nginx/conf.d/bluegreen-shop.conf:\nupstream"
    monkeypatch.setattr(situation, "edge_for", lambda engine, params, state: edge)
    monkeypatch.setattr(situation, "find_all_containers", lambda *_arguments: ({"blue": [], "green": []}, {}))
    params = {"app": "shop", "state_dir": str(edge.directory), "lock": False, "vhost": {}, "project_src": "/srv/shop"}
    params.update(compose_files=["compose.yml"], shared_services=[], exclusive_services=[])
    with pytest.raises(EdgeError, match=f"^{read} can't be read: .*line 1: the text ends within"):
        situation.Situation(None, params, [{"upstream": "shop-was"}], "", may_judge=False)
