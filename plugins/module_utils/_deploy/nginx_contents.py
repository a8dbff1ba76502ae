# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx's file of an app in a plan, for either color."""

from __future__ import annotations

from .._docker.containers import edge_addresses
from .._docker.traffic import (
    at_upstreams,
    endpoints_of,
    introduce_upstreams,
    services_as_run,
    started_by_hand,
    upstreams_of,
)
from .._nginx.app_file import app_text, followed_names, generation_of, is_same_text, with_marks
from .._nginx.preview import closed_preview, preview_upstream, upstream_variable, uses_variables
from .._nginx.upstream_options import effective_options
from .._nginx.version import follows_addresses
from .._nginx.vhost import render_server, render_vhost, vhost_url
from .decisions import live_release


def server_text(app, request, services):
    """Return the end of the app's file, after its upstreams: the closed preview and the ``server`` block."""
    preview = request["preview"]
    goes_to = upstream_variable if uses_variables(preview) else str
    closed = closed_preview(preview, [service["upstream"] for service in services])
    return closed + render_vhost(app, request["vhost"], services, goes_to)


class NginxContents:
    """``request``: from complete_request(); ``services``: from named_services(); ``active_services``: as the active
    color runs with them; ``now``: a Situation.

    ``containers`` are the summaries of a color's containers, empty if they must still be created.
    """

    def __init__(self, request, services, active_services, now):
        self.app = request["app"]
        self.request = request
        self.services = services
        self.active_services = at_upstreams(services, active_services)
        self.now = now
        self.options = {
            named["upstream"]: effective_options(given.get("upstream_options"), now.nginx_version)
            for named, given in zip(services, request["services"])
        }

    def for_plan(self, color, release, containers, services):
        """Return the fields of a Plan about nginx's file and its targets.

        ``services``: as the release runs with them.
        """
        upstreams = self._upstreams(color, containers, at_upstreams(self.services, services))
        return {
            **self._texts(color, release, upstreams),
            "upstreams": self._with_active_targets(upstreams),
            "preview_server": self._preview_server(),
            "edge_url": self._edge_url(),
            "previous_endpoints": self.active_endpoints(),
        }

    def active_endpoints(self):
        """Return the ``address:port`` by which nginx reaches the active color."""
        if not self.now.active:
            return []
        # It is unknown on which of several networks nginx finds a stack that was started by hand.
        network = None if started_by_hand(self.now.active_containers) else self.request["network"]
        mode = self.request["nginx_mode"]
        return endpoints_of(self.now.active_containers, self.active_services, self.now.active, network, mode)

    def is_current(self):
        """Return whether nginx has loaded the file that the active color needs."""
        active, containers = self.now.active, self.now.active_containers
        addresses = []
        if not follows_addresses(self.now.nginx_version):
            addresses = edge_addresses(containers, self.request["network"], self.app, active)
        wanted = self._upstreams(active, containers, self.asked_of_active())
        content = self._text(active, live_release(containers), wanted)
        is_loaded = self.now.state.has_proved(generation_of(self.now.text))
        return is_loaded and is_same_text(self.now.text, with_marks(content, addresses=addresses))

    def asked_of_active(self):
        """Return today's services, with the names that they have in the active color."""
        names = {container["service"] for container in self.now.active_containers}
        return services_as_run(self.services, self.now.active, names)

    def _texts(self, color, release, upstreams):
        active = self.now.active
        texts = {"content": self._text(color, release, upstreams), "previous_content": "", "introduction": ""}
        if active:
            live = live_release(self.now.active_containers)
            serving = self._active_upstreams()
            texts["previous_content"] = self._text(active, live, serving)
            if self._resolver and color != active:
                introduced = introduce_upstreams(serving, upstreams, followed_names(self.now.text))
                texts["introduction"] = self._text(active, live, introduced)
        return texts

    def _text(self, color, release, upstreams):
        return app_text(self.app, color, release or "not known", upstreams, self._resolver, self.now.server)

    def _upstreams(self, color, containers, services):
        upstreams = upstreams_of(self.app, color, services, containers, self.request["nginx_mode"])
        return [dict(upstream, options=self.options[upstream["name"]]) for upstream in upstreams]

    def _active_upstreams(self):
        if not self.now.active:
            return []
        return self._upstreams(self.now.active, self.now.active_containers, self.active_services)

    def _with_active_targets(self, upstreams):
        targets = {upstream["name"]: upstream["targets"] for upstream in self._active_upstreams()}
        return [dict(upstream, active_targets=targets.get(upstream["name"], [])) for upstream in upstreams]

    def _preview_server(self):
        listen = self.request["preview"].get("listen")
        if not listen:
            return ""
        return render_server(self.app, self.request["vhost"], self.services, [listen], preview_upstream)

    def _edge_url(self):
        given = self.request["edge_url"]
        return given if given.get("url") else vhost_url(self.request["vhost"], self.now.edge.address)

    @property
    def _resolver(self):
        return self.now.edge.resolver if follows_addresses(self.now.nginx_version) else None
