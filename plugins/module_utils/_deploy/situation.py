# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of the target when a deploy begins: nginx, its file of the app, the containers of both colors, the
journal."""

from __future__ import annotations

import os
import ssl
import stat

from .._docker.containers import find_all_containers
from .._edge.edge import quoted
from .._edge.options import edge_for
from .._errors import EdgeError, UpstreamError
from .._nginx.app_file import app_file_name, app_text, file_in_dump, generation_of, with_marks, without_sections
from .._nginx.configuration import connect_timeouts, proxied_hosts
from .._nginx.preview import upstream_variable
from .._nginx.upstream import parse_upstreams
from .._nginx.upstream_options import options_in
from .._state.directory import AppState
from .decisions import active_color, mark_exclusive

STAND_IN = "stand-in"
"""The generation of the file that is tested in place of an app's first one."""


class Situation:
    """The state of the target now.

    ``edge``, ``state``; ``nginx_version``; ``configuration``: all that nginx would load, empty if unknown; ``text``:
    the app's file, settled, or None; ``colors``; ``shared``: ``{service: [summary, …]}``; ``active``: color or None;
    ``connect_timeouts``: from connect_timeouts(), of the user's own files.
    """

    def __init__(self, engine, params, services, server, may_judge):
        """Read the state. ``params``: from complete_request(); ``server``: the text of the app's own server block.

        ``may_judge``: whether a throw-away container may test a file, which check mode does not allow. Raises EdgeError
        and PlanError if nothing can be deployed in this state.
        """
        self.app = params["app"]
        self.services = services
        self.server = server
        self.state = AppState(params["state_dir"], self.app)
        self.edge = edge_for(engine, params, self.state)
        self.edge.refuse_unwritable()
        if params["lock"] and may_judge:
            self.state.tidy()
            self.edge.tidy(self.app)
        if params["vhost"] and params["vhost"].get("tls"):
            check_certificate(self.edge, params["vhost"]["tls"], params.get("nginx_manage", False))
        self.text = without_sections(self.edge.read(app_file_name(self.app)))
        self.nginx_version = self.edge.version()
        dump, self.configuration = self._dump(may_judge)
        self.connect_timeouts = self._connect_timeouts(dump)
        self.colors, self.shared = find_all_containers(
            *(engine, self.app, params["project_src"], params["compose_files"], params["shared_services"]),
            edge=(self.edge.container or {}).get("Id"),
        )
        mark_exclusive(self.colors, params["exclusive_services"])
        self.active, _source = active_color(
            self.app, services, self._served(dump), self.colors, self.state.journal["releases"]
        )

    @property
    def proxied(self):
        """``[(file, line, host)]`` of each proxy_pass in nginx's configuration, from proxied_hosts()."""
        try:
            return proxied_hosts(self.configuration)
        except UpstreamError:
            return []  # nginx itself accepts this configuration

    @property
    def active_containers(self):
        return self.colors[self.active] if self.active else []

    def _dump(self, may_judge):
        """Return ``(dump, configuration)``: nginx's configuration on disk, empty if nginx rejects it, and the same with
        a stand-in for the app's file if that will change. Both are tested."""
        name, edge = app_file_name(self.app), self.edge
        # If nginx would start without the app's file, it is down for another reason.
        if not edge.running and (self.text is not None or (may_judge and edge.judge({})[0])):
            raise EdgeError(f"nginx in {edge.name} does not run ({edge.describe_state()}); find out why, and start it")
        ok, text = edge.dump() if edge.running else (False, "")
        configuration = text if ok else ""
        if ok and self.text is not None and file_in_dump(text, edge.path(name), generation_of(self.text)) is None:
            raise _not_included(edge, name)
        if may_judge and (not ok or self.text is None or self.server not in self.text):
            stand_in = app_text(self.app, "none", "none", self._stand_ins(), None, self.server)
            judged_ok, judged = edge.judge({name: with_marks(stand_in, generation=STAND_IN)})
            if not judged_ok:
                raise EdgeError(_refused(edge, judged, ok) + self._lost_options(judged, text))
            if file_in_dump(judged, edge.path(name), STAND_IN) is None:
                raise _not_included(edge, name)
            configuration = judged
        return (text if ok else ""), configuration

    def _lost_options(self, judged, dump):
        """Return hints about the settings in the user's upstream block, which must be removed."""
        if "duplicate upstream" not in quoted(judged):
            return ""
        try:
            found = options_in(dump, [service["upstream"] for service in self.services])
        except UpstreamError:
            return ""
        given = "".join(
            ". For upstream {}, set upstream_options of the service: {{{}}}".format(
                name, ", ".join(f"{key}: {value}" for key, value in options.items())
            )
            for name, options, _others in found
            if options
        )
        lost = "".join(
            ". upstream_options has no equivalent for these settings of {}: {}".format(name, "; ".join(others))
            for name, _options, others in found
            if others
        )
        return given + lost

    def _stand_ins(self):
        return [
            {"name": service["upstream"], "targets": [{"host": "127.0.0.1", "port": 9}]} for service in self.services
        ]

    def _connect_timeouts(self, dump):
        upstreams = [service["upstream"] for service in self.services]
        try:
            found = connect_timeouts(dump, upstreams + [upstream_variable(name) for name in upstreams])
        except UpstreamError:
            return []  # nginx itself accepts this configuration
        return [each for each in found if os.path.basename(each[0]) != app_file_name(self.app)]

    def _served(self, dump):
        own = {service["upstream"] for service in self.services}
        try:
            if self.text is not None:
                return parse_upstreams(self.text)
            return parse_upstreams(dump, own)
        except UpstreamError as error:
            read = self.edge.path(app_file_name(self.app)) if self.text else "nginx's configuration (nginx -T)"
            raise EdgeError(f"{read} can't be read: {error}") from error


def _refused(edge, judged, was_sound):
    said = quoted(judged)
    if "duplicate upstream" in said:
        return (
            f"nginx's own configuration already defines this upstream: {said}; remove that block, do not reload nginx, "
            "and deploy again. From then on the role writes the upstream"
        )
    if was_sound:
        return f"nginx rejects its configuration once it includes the role's file: {said}"
    if edge.running:
        return f"nginx already rejected its configuration on disk before this deploy: {said}"
    return (
        f"nginx in {edge.name} does not run ({edge.describe_state()}), and it would not start with the role's file "
        f"either: {said}"
    )


def _not_included(edge, name):
    return EdgeError(
        "bluegreen_nginx_conf_dir is {!r}, but nginx in {} does not include {}; include {} in its http block".format(
            edge.conf_dir, edge.name, edge.path(name), edge.path("*.conf")
        )
    )


def check_certificate(edge, tls, is_managed=False):
    """Raise EdgeError if a certificate or key is missing, or if they don't match. nginx's own test is less clear, but
    has to do if the connecting user may not read them. ``is_managed``: whether the role runs nginx's container."""
    paths = {key: edge.on_target(tls[key]) for key in ("certificate", "key")}
    for key, path in paths.items():
        try:
            found = path is not None and stat.S_ISREG(os.stat(path).st_mode)
        except PermissionError:
            return
        except OSError:
            found = False
        if not found:
            raise EdgeError(
                f"bluegreen_vhost: tls.{key} is {tls[key]!r}, but nginx in {edge.name} has no such file; "
                + _certificate_remedy(edge.name, paths[key] is not None, is_managed)
            )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(paths["certificate"], paths["key"])
    except PermissionError:
        return
    except (OSError, ssl.SSLError) as error:
        raise EdgeError(
            "bluegreen_vhost: tls.certificate {!r} does not match tls.key {!r} ({}); give a certificate and its "
            "key".format(tls["certificate"], tls["key"], getattr(error, "reason", None) or error)
        ) from error


def _certificate_remedy(name, is_mounted, is_managed):
    if is_managed and not is_mounted:
        return (
            f"run docker rm -f {name}, then deploy, which creates the container again with that directory. Until the "
            "deploy has started it, nginx's ports do not answer"
        )
    return "give the path as nginx sees it, and if nginx runs in a container, mount its directory there"
