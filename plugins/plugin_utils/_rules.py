# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules for the role's variables. Pure.

``settings``: the public variables without their prefix ``bluegreen_``, cast to their types.
"""

from __future__ import annotations

import re
import shlex
from urllib.parse import urlsplit

from ..module_utils._docker.registry import registry_problems
from ..module_utils._errors import UpstreamError
from ..module_utils._names import COLORS, PLACEHOLDER, alias, is_single_file, named_services, with_color, without_color
from ..module_utils._nginx.canary import canary_problems
from ..module_utils._nginx.preview import preview_problems
from ..module_utils._nginx.upstream import render_upstream
from ..module_utils._nginx.upstream_options import upstream_option_problems
from ..module_utils._nginx.vhost import vhost_problems

_APP = re.compile(r"[a-z][a-z0-9-]{0,30}\Z")
_RELEASE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}\Z")
_SERVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}\Z")
_DOCKER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*\Z")
_UPSTREAM = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,127}\Z")
_PATH = re.compile(r"/[!-~]*\Z")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")  # RFC 9110: methods and names of headers
_HEADER_VALUE = re.compile(r"[\t -~]*\Z")
_URL = re.compile(r"https?://[!-~]+\Z")
_HOST_HEADER = re.compile(r"[A-Za-z0-9._:\[\]-]+\Z")
_BRACES = re.compile(r"\{[^{}]*\}?|\}")


def rule_problems(settings):
    """Return the problems of ``settings``, one sentence each: variable, value, remedy. Empty if there are none.

    Missing settings are not checked, because each entry point has its own variables.
    """
    found = []
    for check in (
        _names,
        _paths,
        _files,
        _services,
        _apart,
        _managed,
        _published,
        _vhost_problems,
        _preview_problems,
        _canary_problems,
        _registry_problems,
        _edge_url,
        _smoke_tests,
        _migrate,
        _hooks,
        _numbers,
    ):
        found.extend(check(settings))
    return found


def _problem(variable, value, remedy):
    return f"bluegreen_{variable} is {value!r}: {remedy}"


def _names(settings):
    rules = (
        ("app", _APP, "start with a small letter, then use small letters, digits and '-', 31 at most"),
        ("release", _RELEASE, "start with a letter or digit, then use letters, digits, '.', '_' and '-', 128 at most"),
        ("network", _DOCKER_NAME, "give the name of the Docker network that nginx is on"),
        ("nginx_container", _DOCKER_NAME, "give the name of the container that nginx runs in"),
    )
    for variable, rule, remedy in rules:
        value = settings.get(variable)
        if value is not None and not rule.match(value):
            yield _problem(variable, value, remedy)


def _paths(settings):
    for variable in ("project_src", "nginx_conf_dir", "state_dir"):
        value = settings.get(variable)
        if value is not None and not value.startswith("/"):
            yield _problem(variable, value, "give the absolute path of a directory on the target")
    docker_host = settings.get("docker_host")
    if docker_host and not docker_host.startswith("unix:///"):
        yield _problem(
            "docker_host",
            docker_host,
            "give a socket of the target itself, such as unix:///run/user/1000/docker.sock. To use another host's "
            "Engine, make that host the target in the inventory",
        )
    report_dir = settings.get("report_dir")
    if report_dir and not report_dir.startswith("/"):
        yield _problem("report_dir", report_dir, "give the absolute path of a directory on the controller")


def _strange_placeholder(text):
    return next((brace for brace in _BRACES.findall(text) if brace != PLACEHOLDER), None)


def _files(settings):
    for name in settings.get("compose_files") or []:
        strange = _strange_placeholder(name)
        if strange:
            yield _problem("compose_files", name, f"{strange} is not a placeholder; the only one is {{color}}")


def _services(settings):
    services = settings.get("services")
    if services is None:
        return
    if not services:
        yield _problem("services", services, "name at least one service that takes traffic, with its port")
    sound = []
    ordinary = _is_single_file(settings)
    for service in services:
        broken = list(_service(service, ordinary))
        yield from broken
        if not broken:
            sound.append(service)
    yield from _meetings(named_services(settings["app"], sound))
    if _APP.match(settings["app"]):
        for service in sound:
            yield from _own_alias(settings["app"], service["name"])


def _meetings(services):
    upstreams, bases = {}, {}  # in small letters, because nginx and Docker's DNS ignore case
    for service in services:
        name, upstream, base = service["name"], service["upstream"], service["base"]
        if upstream.lower() in upstreams:
            remedy = "{0} and {1} have the same upstream; give each its own 'upstream'"
            yield _problem("services", upstream, remedy.format(upstreams[upstream.lower()], name))
        upstreams.setdefault(upstream.lower(), name)
        taken = bases.setdefault(base.lower(), name)
        if taken != name:
            remedy = "{} and {} both become {} once {{color}} is removed; rename one"
            yield _problem("services", name, remedy.format(taken, name, base))


def _own_alias(app, name):
    host = alias(app, "green", without_color(name))
    try:
        render_upstream("shop", [{"host": host, "port": 80}])
    except UpstreamError:
        remedy = (
            "nginx would look it up as {0}, which is not a valid host name; use at most 63 characters for app, color "
            "and service, and end with a letter or digit"
        )
        yield _problem("services", name, remedy.format(host))


def _is_single_file(settings):
    files = settings.get("compose_files")
    return files is not None and is_single_file(files)


def _colored_name(variable, name, ordinary):
    """Check a service's name against its layout: one Compose file, or one for each color."""
    strange = _strange_placeholder(name)
    if strange:
        yield _problem(
            variable, name, f'{strange} is not a placeholder; write {{color}}, in quotes: name: "was-{{color}}"'
        )
    elif ordinary and PLACEHOLDER in name:
        yield _problem(
            variable,
            name,
            "bluegreen_compose_files has one file for both colors, so its service names have no color; remove {color}",
        )
    elif not ordinary and PLACEHOLDER not in name:
        yield _problem(
            variable,
            name,
            "must contain {color}, for example was-{color}; otherwise both colors would share one service name",
        )


def _service(service, ordinary):
    name = service["name"]
    misnamed = list(_colored_name("services", name, ordinary))
    if misnamed:
        yield from misnamed
        return
    if not _SERVICE.match(without_color(name)) or not _SERVICE.match(with_color(name, "green")):
        yield _problem("services", name, "use letters, digits, '.', '_' and '-' around {color}")
    if not 1 <= service["port"] <= 65535:
        yield _problem("services", service["port"], f"the port of {name} must be a number from 1 to 65535")
    yield from _probe(name, service.get("probe"))
    upstream = service.get("upstream")
    if upstream and not _UPSTREAM.match(upstream):
        yield _problem("services", upstream, "start upstream with a letter, then use letters, digits, '.', '_' and '-'")
    for key, value, remedy in upstream_option_problems(service.get("upstream_options")):
        yield _problem("services", value, f"upstream_options.{key} of {name}: {remedy}")


def _probe(service, probe):
    if probe is None:
        return
    path, port = probe.get("path"), probe.get("port")
    if path is not None and not _PATH.match(path):
        yield _problem(
            "services", path, f"the path of the probe of {service} must begin with '/'; write a space as %20"
        )
    if path is None and probe["headers"]:
        yield _problem("services", service, "its probe has headers but no path, so none would be sent; give it a path")
    if port is not None and not 1 <= port <= 65535:
        yield _problem("services", port, f"the port of the probe of {service} must be a number from 1 to 65535")
    if not probe["status"] or not all(100 <= status <= 599 for status in probe["status"]):
        yield _problem(
            "services", probe["status"], f"give status of the probe of {service} at least one number from 100 to 599"
        )
    for header, value in probe["headers"].items():
        if not _TOKEN.match(header) or not _HEADER_VALUE.match(str(value)):
            yield _problem(
                "services", header, f"give headers of the probe of {service} as name: value, each one line of ASCII"
            )
    for key, least in (("interval", 0.1), ("timeout", 0.1), ("healthy_after", 1), ("unhealthy_after", 1)):
        if not probe[key] >= least:
            yield _problem("services", probe[key], f"{key} of the probe of {service} must be {least} or more")


def _apart(settings):
    """Each service may only be in one of the lists."""
    ordinary = _is_single_file(settings)
    kinds = {service["name"]: "services" for service in settings.get("services") or []}
    if settings.get("shared_services") and not ordinary:
        yield _problem(
            "shared_services",
            settings["shared_services"],
            "with one Compose file for each color, shared services must be a Compose project of their own; remove this "
            "variable, or use one Compose file for both colors (bluegreen_compose_files)",
        )
    for variable in ("shared_services", "exclusive_services"):
        for name in settings.get(variable) or []:
            yield from _colored_name(variable, name, ordinary)
            if name in kinds:
                yield _problem(variable, name, f"it is also in bluegreen_{kinds[name]}; name it in one of the two")
            kinds[name] = variable


def _managed(settings):
    if settings.get("nginx_mode") == "host" and settings.get("nginx_manage"):
        yield _problem("nginx_manage", True, "the role runs no nginx on the host; install nginx, remove this variable")


def _published(settings):
    host = settings.get("nginx_mode") == "host"
    taken = {}
    for service in settings.get("services") or []:
        publish = service.get("publish")
        if host and not publish:
            yield _problem(
                "services",
                service["name"],
                "nginx on the host reaches a service by a host port for each color; add for example publish: {blue: "
                "13000, green: 23000}",
            )
        if publish and not host:
            yield _problem("services", service["name"], "'publish' needs bluegreen_nginx_mode: host; remove publish")
        for color in COLORS if host and publish else ():
            port = publish[color]
            if not 1 <= port <= 65535:
                yield _problem(
                    "services", port, "publish.{} of {} must be a port from 1 to 65535".format(color, service["name"])
                )
            elif port in taken:
                remedy = "{} and {} both publish this port; give each its own".format(taken[port], service["name"])
                yield _problem("services", port, remedy)
            taken[port] = service["name"]


def _vhost_problems(settings):
    names = [service["name"] for service in settings.get("services") or []]
    for key, value, remedy in vhost_problems(settings.get("vhost"), names):
        yield _problem("vhost", value, f"{key}: {remedy}")


def _preview_problems(settings):
    upstreams = [service["upstream"] for service in named_services(settings["app"], settings.get("services") or [])]
    for problem in preview_problems(settings.get("preview"), upstreams, settings.get("vhost")):
        yield f"bluegreen_preview: {problem}"


def _registry_problems(settings):
    for problem in registry_problems(settings.get("registry")):
        yield f"bluegreen_registry: {problem}"


def _canary_problems(settings):
    for value, remedy in canary_problems(settings.get("canary_steps")):
        yield _problem("canary_steps", value, remedy)


def _edge_url(settings):
    edge_url = settings.get("edge_url")
    if not edge_url:
        return
    if not _is_url(edge_url.get("url") or ""):
        yield _problem(
            "edge_url", edge_url.get("url"), "give a URL with http:// or https:// by which the target reaches nginx"
        )
    host = edge_url.get("host")
    if host and not _HOST_HEADER.match(host):
        yield _problem("edge_url", host, "give host as a host name, with :port if the Host header has one")


def _smoke_tests(settings):
    names = [service["name"] for service in settings.get("services") or []]
    for test in settings.get("smoke_tests") or []:
        if test["service"] not in names:
            remedy = "service must be one of bluegreen_services, written as there: {}".format(", ".join(names))
            yield _problem("smoke_tests", test["service"], remedy)
        if not _PATH.match(test["path"]):
            yield _problem("smoke_tests", test["path"], "path must begin with '/'; write a space as %20")
        if not _TOKEN.match(test["method"]):
            yield _problem("smoke_tests", test["method"], "give method as one word, such as GET or POST")
        for name, value in test["headers"].items():
            if not _TOKEN.match(name) or not _HEADER_VALUE.match(str(value)):
                yield _problem("smoke_tests", name, "give headers as name: value, each value one line of ASCII")
        if not 100 <= test["status"] <= 599:
            yield _problem("smoke_tests", test["status"], "status must be a number from 100 to 599")
        if test["retries"] < 0:
            yield _problem("smoke_tests", test["retries"], "give 0 or more retries")


def _migrate(settings):
    migrate = settings.get("migrate")
    if not migrate:
        return
    names = [service["name"] for service in settings.get("services") or []]
    if migrate.get("service") not in names:
        remedy = "service must be one of bluegreen_services, written as there: {}".format(", ".join(names))
        yield _problem("migrate", migrate.get("service"), remedy)
    try:
        words = shlex.split(migrate.get("command") or "")
    except ValueError as error:
        yield _problem("migrate", migrate["command"], f"the command can't be split into words: {error}; fix it")
    else:
        if not words:
            yield _problem("migrate", migrate.get("command"), "give the command to run")


def _hooks(settings):
    for name, path in (settings.get("hooks") or {}).items():
        if not path.startswith("/"):
            yield _problem("hooks", path, f"give the absolute path of a file of tasks on the controller for {name}")


def _is_url(text):
    try:
        parts = urlsplit(text)
        return bool(_URL.match(text) and parts.hostname and parts.port != 0)
    except ValueError:  # of brackets or a port
        return False


def _numbers(settings):
    for variable, least, unit in (
        ("health_timeout", 1, "seconds"),
        ("health_stable_for", 0, "seconds"),
        ("min_uptime", 0, "seconds"),
        ("max_restarts", 0, "restarts"),
        ("bake_seconds", 0, "seconds"),
        ("bake_failures", 0, "failures"),
        ("bake_error_ratio", 0, "as the ratio"),
        ("drain_timeout", 0, "seconds"),
        ("keep_releases", 1, "releases"),
        ("lock_wait", 0, "seconds"),
    ):
        value = settings.get(variable)
        if value is not None and value < least:
            yield _problem(variable, value, f"give {least} or more {unit}")
