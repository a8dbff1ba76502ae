# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at everything a deploy starts from: nginx, its file of ours, the containers of both colors, the journal."""

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.module_utils import _nginx, _plan
from ansible_collections.hotswap.compose.plugins.module_utils._containers import find
from ansible_collections.hotswap.compose.plugins.module_utils._edge import Edge, EdgeError, quoted
from ansible_collections.hotswap.compose.plugins.module_utils._state import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._upstream import UpstreamError, parse


class Situation:
    """What is true on the target now.

    ``edge``, ``state``; ``nginx_version``; ``text``: our file's content or None; ``colors``; ``active``: color or None, and
    ``active_by``: what says so; ``starts_nginx``: nginx is down only because our file isn't there yet.
    """

    def __init__(self, engine, settings, services, may_judge):
        """Look. ``settings``: app, project_src, compose_files, network, nginx_container, nginx_conf_dir, state_dir.

        ``may_judge``: whether a throw-away container may test a candidate, which a check mode run doesn't.
        Raises EdgeError and PlanError where nothing can be deployed in this situation.
        """
        self.app = settings["app"]
        self.services = services
        self.state = AppState(settings["state_dir"], self.app)
        self.edge = Edge(
            engine, settings["nginx_container"], settings["nginx_conf_dir"], settings["network"], self.state.scratch
        )
        _check_network(engine, self.edge, settings["network"])
        self.text = self.edge.read(_nginx.app_file(self.app))
        self.starts_nginx = False
        self.nginx_version = self.edge.version()
        dump = self._dump(may_judge)
        self.colors = find(engine, self.app, settings["project_src"], settings["compose_files"])
        self.active, self.active_by = _plan.active_color(
            self.app, services, self._served(dump), self.colors, self.state.journal["releases"]
        )

    @property
    def active_containers(self):
        return self.colors[self.active] if self.active else []

    def _dump(self, may_judge):
        """Return what nginx's configuration on disk is, tested; with a stand-in for our file where it isn't there yet."""
        name, edge = _nginx.app_file(self.app), self.edge
        if not edge.running and self.text is not None:
            raise EdgeError(
                "nginx's container {0} is not running, it {1}: find out why (docker logs {0}) and start it".format(
                    edge.name, edge.describe_state()
                )
            )
        if edge.running:
            ok, text = edge.dump()
            if self.text is not None:
                if not ok:
                    raise EdgeError("nginx's configuration on disk is broken already, before this deploy: " + quoted(text))
                if _nginx.file_in_dump(text, edge.path(name)) is None:
                    raise _not_included(edge, name)
                return text
        else:
            ok, text = False, ""
        if not may_judge:
            return text if ok else ""
        stand_in = _nginx.app_text(self.app, "none", "none", "stand-in", self._stand_ins(), (0, 0, 0))
        judged_ok, judged = edge.judge({name: stand_in})
        if not judged_ok:
            raise EdgeError(_refused(edge, judged, ok))
        if _nginx.file_in_dump(judged, edge.path(name)) is None:
            raise _not_included(edge, name)
        self.starts_nginx = not edge.running
        return text if ok else ""

    def _stand_ins(self):
        return [{"name": service["upstream"], "targets": [{"host": "127.0.0.1", "port": 9}]} for service in self.services]

    def _served(self, dump):
        own = {service["upstream"] for service in self.services}
        try:
            if self.text is not None:
                return parse(self.text)
            return {name: targets for name, targets in parse(dump).items() if name in own}
        except UpstreamError as error:
            raise EdgeError("{0} can't be read: {1}".format(self.edge.path(_nginx.app_file(self.app)), error)) from error


def _refused(edge, judged, was_sound):
    said = quoted(judged)
    if "duplicate upstream" in said:
        return (
            "nginx has an upstream of this name in a file of its own: {0}. Remove that block (nginx goes on with what it has "
            "loaded), then run this again; the role writes the upstream from now on".format(said)
        )
    if was_sound:
        return "nginx refuses its configuration with our upstreams in it: {0}".format(said)
    state = "runs" if edge.running else "does not run, it {0}".format(edge.describe_state())
    return "nginx's container {0} {1}, and its configuration would be refused with our upstreams in it as well: {2}".format(
        edge.name, state, said
    )


def _not_included(edge, name):
    return EdgeError(
        "bluegreen_nginx_conf_dir is {0!r}: nginx in {1} does not include {2}; its http block must include {3}/*.conf".format(
            edge.conf_dir, edge.name, edge.path(name), edge.inside
        )
    )


def _check_network(engine, edge, network):
    names = [entry["Name"] for entry in engine.call(engine.api.networks, names=[network])]
    if network not in names:
        raise EdgeError(
            "bluegreen_network is {0!r}: there is no such network; create it (docker network create {0}) and put nginx on "
            "it".format(network)
        )
    joined = edge.container["NetworkSettings"]["Networks"]
    if network not in joined:
        raise EdgeError(
            "bluegreen_network is {0!r}: {1} is not on it but on {2}, so it could not reach the app; connect it (docker "
            "network connect {0} {1}) or correct the name".format(network, edge.name, ", ".join(sorted(joined)) or "none")
        )
