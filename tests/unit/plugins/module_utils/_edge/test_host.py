# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pathlib

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import host
from ansible_collections.hotswap.compose.plugins.module_utils._edge.host import HostEdge
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError


class StandInHostEdge(HostEdge):
    """An nginx that only says what it is made of."""

    main = ""
    built = ""
    program = "nginx"

    def run(self, argv):
        if argv[0] == "unshare":
            tree = argv[-3]
            return True, {name: (pathlib.Path(tree) / name).read_text() for name in sorted(os.listdir(tree))}
        if argv[0] != self.program:
            return False, "No such file or directory"
        said = "nginx: the configuration file /etc/nginx/nginx.conf syntax is ok\n"
        dump = f"{said}# configuration file /etc/nginx/nginx.conf:\n{self.main}"
        return True, dump if argv[1] == "-T" else "nginx version: nginx/1.26.3" + self.built


@pytest.fixture(autouse=True)
def root(monkeypatch):
    monkeypatch.setattr(host.os, "geteuid", lambda: 0)


def test_where_nginx_has_its_process_id_and_its_log(tmp_path, monkeypatch):
    monkeypatch.setattr(StandInHostEdge, "main", "pid /srv/nginx.pid;\nerror_log /srv/error.log warn;\nhttp {\n}\n")
    edge = StandInHostEdge(str(tmp_path), str(tmp_path))
    assert (edge._pid_file, edge._error_log) == ("/srv/nginx.pid", "/srv/error.log")


def test_a_relative_name_is_below_nginx_s_prefix(tmp_path, monkeypatch):
    monkeypatch.setattr(StandInHostEdge, "main", "pid run/nginx.pid;\nhttp {\n}\n")
    monkeypatch.setattr(StandInHostEdge, "built", " --prefix=/opt/nginx --error-log-path=logs/error.log")
    edge = StandInHostEdge(str(tmp_path), str(tmp_path))
    assert (edge._pid_file, edge._error_log) == ("/opt/nginx/run/nginx.pid", "/opt/nginx/logs/error.log")


def test_a_configuration_that_can_t_be_read_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(StandInHostEdge, "main", "pid /run/nginx.pid;\nhttp {")
    expected = r"^nginx's configuration \(nginx -T\) can't be read: /etc/nginx/nginx.conf line 2: the text ends before"
    with pytest.raises(EdgeError, match=expected):
        StandInHostEdge(str(tmp_path), str(tmp_path))


@pytest.mark.parametrize("program", ["nginx", "openresty", "angie"])
def test_the_program_that_is_installed(tmp_path, monkeypatch, program):
    monkeypatch.setattr(StandInHostEdge, "program", program)
    assert StandInHostEdge(str(tmp_path), str(tmp_path)).nginx("-T") == [program, "-T"]


def test_there_is_no_program(tmp_path, monkeypatch):
    monkeypatch.setattr(StandInHostEdge, "program", "httpd")
    with pytest.raises(EdgeError, match="the target has no nginx; install it, or run nginx in a container$"):
        StandInHostEdge(str(tmp_path), str(tmp_path))


def test_a_candidate_is_judged_in_a_copy(tmp_path):
    (tmp_path / "conf").mkdir()
    edge = StandInHostEdge(str(tmp_path / "conf"), str(tmp_path / "scratch"))
    edge.write({"bank.conf": "bank\n", "shop.conf": "blue\n", "bluegreen.conf": "shared\n"})
    assert edge.judge({"shop.conf": "green\n", "bluegreen.conf": None}) == (
        True,
        {"bank.conf": "bank\n", "shop.conf": "green\n"},
    )
    assert edge.read("shop.conf") == "blue\n"
    assert sorted(os.listdir(tmp_path)) == ["conf"]
