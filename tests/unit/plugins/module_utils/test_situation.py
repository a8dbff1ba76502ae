# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _situation
from ansible_collections.hotswap.compose.plugins.module_utils._edge import EdgeError

TLS = {"certificate": "/etc/tls/shop.pem", "key": "/etc/tls/shop.key"}


class StandInEdge:
    """nginx on a host whose files lie below a directory."""

    name = "nginx"

    def __init__(self, directory):
        self.directory = directory

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
        _situation.check_certificate(edge, TLS)


def test_certificate_that_does_not_go_with_its_key(edge):
    with pytest.raises(EdgeError, match="tls.certificate does not go with the key /etc/tls/shop.key"):
        _situation.check_certificate(edge, TLS)


@pytest.mark.parametrize("call", ["stat", "load"])
def test_what_the_connecting_user_may_not_read_is_for_nginx_to_judge(edge, monkeypatch, call):
    def forbidden(*_arguments, **_options):
        raise PermissionError(13, "Permission denied")

    if call == "stat":
        monkeypatch.setattr(_situation.os, "stat", forbidden)
    else:
        monkeypatch.setattr(_situation.ssl.SSLContext, "load_cert_chain", forbidden)
    assert _situation.check_certificate(edge, TLS) is None
