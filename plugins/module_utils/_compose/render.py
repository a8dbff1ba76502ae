# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the user's Compose files to the one file that a color runs from.

Compose itself renders the user's files (``docker compose config``). The role adds the parts of a color to that result.
A deploy and a later rollback run from the rendered file, so they need neither the user's directory nor its environment.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
import os
import re

from .._errors import ComposeError
from .._names import LABEL, LOOPBACK, alias, project_name, with_color
from .mounts import is_named_by_compose

OLDEST = (2, 18)
_VERSION = re.compile(r"(\d+)\.(\d+)\.(\d+)")
_TAG = re.compile(r"^[^#\n]*?[:-]\s+(!reset|!override)\b", re.MULTILINE)
_REFERENCE = re.compile(r"(?<![\w$])\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_UNSET = re.compile(r'The \\?"([^"\\]*)\\?" variable is not set')
_UNREAD = re.compile(r"(?:failed to read (.+?): |(?=line \d+: |[Ii]nvalid template: |required variable ))(line \d+)?")
UNSET = (
    "Compose reports an unset variable that no Compose file names; if a value in an env file contains $, put that "
    "value in single quotes, and in a Compose file write $$"
)
UNREAD = (
    "{} can't be read{}; write each line as NAME=value, and close each quote and ${{ (the line itself is not shown, "
    "because it may hold a secret)"
)
_NOT_PLAIN = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")
_TAG_SINCE = (2, 24, 4)
"""An older Compose accepts such a tag but ignores it, at least in some places."""


def project_command(docker, project, project_src, files, env_files):
    """Return the argv of ``docker compose`` without a subcommand. ``project``: a name, or None for the one that Compose
    finds.

    With another env file, Compose ignores the project's own ``.env``. So that file comes first if it exists.
    """
    argv = [docker, "compose", *(["--project-name", project] if project else []), "--project-directory", project_src]
    own = os.path.join(project_src, ".env")
    if env_files and os.path.exists(own):
        argv += ["--env-file", own]
    for path in env_files:
        argv += ["--env-file", os.path.join(project_src, path)]
    for path in files:
        argv += ["--file", os.path.join(project_src, path)]
    return argv


def render_command(docker, project, project_src, files, env_files, *options):
    """Return the argv of ``docker compose config``, for a project; parameters as in project_command()."""
    argv = project_command(docker, project, project_src, files, env_files)
    return [*argv, "config", *(options or ("--format", "json"))]


def redacted(text, secrets):
    """Return ``text`` without the values in ``secrets``. Values under four characters stay, or too much would
    vanish."""
    for secret in sorted((str(value) for value in secrets), key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, "***")
    return text


def render_files(run, docker, settings, color, env, project=None):
    """Return ``(config, warnings, project)``: what Compose renders from the user's files for ``color``, and the name of
    the Compose project in it.

    ``run(argv, environ) -> (rc, out, err)``; ``settings``: app, release, project_src, compose_files, env_files;
    ``env``: further variables, None for an unset one; ``project``: the project name for the rendering, by default the
    one that Compose finds, as in the user's own ``docker compose up``. A color runs as another project, so names that
    Compose derives from the project belong to the color. Raises ComposeError with Compose's own message.
    """
    src = settings["project_src"]
    files = [with_color(name, color) for name in settings["compose_files"]]
    for variable, names in (("compose_files", files), ("env_files", settings["env_files"])):
        for name in names:
            path = os.path.join(src, name)
            if not os.path.isfile(path):
                raise ComposeError(
                    f"bluegreen_{variable}: {path} does not exist on the target; copy the file there, or correct the "
                    "name or bluegreen_project_src"
                )
    environ = {key: str(value) for key, value in env.items() if value is not None}
    secrets = list(environ.values())
    environ.update(BLUEGREEN_RELEASE=settings["release"], BLUEGREEN_COLOR=color)
    named = _variables_in(os.path.join(src, name) for name in files)

    def compose(*options):
        rc, out, err = run(render_command(docker, project, src, files, settings["env_files"], *options), environ)
        said = _without_values(redacted(err.strip(), secrets).splitlines(), named)
        if rc != 0:
            why = "\n".join(said) or f"exit status {rc}"
            raise ComposeError("docker compose rejects {}: {}".format(" and ".join(files), why))
        return out, said

    out, said = compose()
    config = json.loads(out)
    if not config.get("services"):
        raise ComposeError(_nothing_active(files, compose("--profiles")[0].split()))
    _drop_absent_dependencies(config)
    name = config.get("name", "")
    given = _names_given(compose) if _may_be_given(config) else set()
    _rename_project(config, project_name(settings["app"], color), given)
    return config, said, name


def _nothing_active(files, profiles):
    if not profiles:
        return "{} has no services; add one, or correct bluegreen_compose_files".format(" and ".join(files))
    return (
        "each service of {} is in a profile, and no profile is active (there are {}); name one in bluegreen_env, for "
        "example {{COMPOSE_PROFILES: {}}}, or in the project's .env".format(
            " and ".join(files), ", ".join(sorted(profiles)), sorted(profiles)[0]
        )
    )


def _drop_absent_dependencies(config):
    """Remove optional dependencies on services whose profile is not active. Compose itself ignores them, but not in the
    rendered file."""
    services = config["services"]
    for service in services.values():
        needed = service.get("depends_on") or {}
        for name in [name for name, how in needed.items() if name not in services and not (how or {}).get("required")]:
            del needed[name]


_KINDS = ("networks", "volumes", "configs", "secrets")
"""The sections of a file whose entries have the project's name in their default names."""


def _named_by_default(config):
    """Return ``[(kind, key, definition)]`` whose name is the one that Compose makes from the project's name."""
    return [
        (kind, key, definition)
        for kind in _KINDS
        for key, definition in (config.get(kind) or {}).items()
        if definition and not definition.get("external") and definition.get("name") == f"{config['name']}_{key}"
    ]


def _may_be_given(config):
    """Return whether such a name may come from the user's files, and matters."""
    found = {(kind, key) for kind, key, _definition in _named_by_default(config) if kind in ("networks", "volumes")}
    return bool(found - {("networks", "default")})


def _names_given(compose):
    """Return ``{(kind, key)}`` of the entries that the user's files give a name."""
    # Only normalizing defines the network default, so a service that names it would be inconsistent.
    config = json.loads(compose("--no-normalize", "--no-consistency", "--format", "json")[0])
    return {
        (kind, key)
        for kind in _KINDS
        for key, definition in (config.get(kind) or {}).items()
        if (definition or {}).get("name")
    }


def _rename_project(config, project, given):
    for kind, key, definition in _named_by_default(config):
        if (kind, key) not in given:
            definition["name"] = f"{project}_{key}"
    config["name"] = project


def differences(one, other, *path):
    """Return where two configurations differ, each as its keys joined by dots, sorted."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = sorted(set(one) | set(other))
        return [found for key in keys for found in differences(one.get(key), other.get(key), *path, key)]
    return [] if one == other else [".".join(path)]


def file_text(config):
    """Return the text of a Compose file: JSON that is also valid YAML.

    JSON writes a character beyond U+FFFF as two escapes, which YAML rejects. YAML also rejects control characters and
    takes some others as a line end, so these are escaped.
    """
    text = json.dumps(config, indent=1, ensure_ascii=False)
    return _NOT_PLAIN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _variables_in(paths):
    """Return the names of the variables in the Compose files. A ``$`` directly after a letter starts no variable,
    because it may be part of a password."""
    found = set()
    for path in paths:
        with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
            found.update(_REFERENCE.findall(file.read()))
    return found


def _without_values(lines, named):
    """Return the lines that Compose printed, without duplicates and without possible values from an env file.
    ``named``: the variables in the Compose files."""
    shown = []
    for line in filter(None, lines):
        unread = _UNREAD.match(line)
        if unread:  # the value may have more lines
            path, place = unread.groups()
            shown.append(UNREAD.format(path or "an env_file of a service", f" ({place})" if place else ""))
            break
        unset = _UNSET.search(line)
        shown.append(UNSET if unset and unset.group(1) not in named else line)
    return list(dict.fromkeys(shown))


def refuse_old_compose(run, docker, paths):
    """Raise ComposeError if the target has no Compose v2, or one that is too old for community.docker or for a tag in
    the user's files. ``paths``: those files."""
    rc, out, err = run([docker, "compose", "version", "--short"], {})
    found = _VERSION.search(out) if rc == 0 else None
    if found is None:
        raise ComposeError(
            "Compose v2 is missing on the target ({}); install docker-compose-plugin (Docker's packages), "
            "docker-compose-v2 (Ubuntu) or docker-compose (Debian 13 or newer)".format(
                (err or out).strip().split("\n")[0] or f"exit status {rc}"
            )
        )
    version = tuple(int(part) for part in found.groups())
    if version < OLDEST:
        oldest = ".".join(str(part) for part in OLDEST)
        raise ComposeError(f"Compose {found.group()} on the target is too old; update it to {oldest} or newer")
    if version < _TAG_SINCE:
        for path in paths:
            _refuse_tag(path, found.group())


def _refuse_tag(path, version):
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            tag = _TAG.search(file.read())
    except OSError:
        return  # the rendering reports it
    if tag:
        since = ".".join(str(part) for part in _TAG_SINCE)
        raise ComposeError(
            f"{path} uses {tag.group(1)}, which Compose {version} on the target does not fully support; update Compose "
            f"to {since} or newer, or remove the tag"
        )


def config_hash(config):
    """Return a digest of a rendered configuration. With an equal digest, Compose would run the same."""
    return hashlib.sha256(json.dumps(config, sort_keys=True).encode()).hexdigest()


def expected_services(config):
    """Return ``{service: number of containers}`` of the services with at least one container."""
    replicas = {name: replicas_of(service) for name, service in sorted(config.get("services", {}).items())}
    return {name: count for name, count in replicas.items() if count > 0}


def exclusive_services_in(config):
    """Return the names of the services in a color's file that never run in both colors, sorted."""
    labels = {name: service.get("labels") or {} for name, service in config.get("services", {}).items()}
    return sorted(name for name, given in labels.items() if given.get(LABEL + "exclusive") == "true")


def replicas_of(service):
    """Return the number of containers of a service."""
    scale = service.get("scale")
    if scale is None:
        scale = (service.get("deploy") or {}).get("replicas")
    return 1 if scale is None else int(scale)


def image_refs(config):
    """Return ``{service: image reference}``; a service that is only built gets the name Compose gives its image."""
    return {
        name: service.get("image") or "{}-{}".format(config["name"], name)
        for name, service in sorted(config.get("services", {}).items())
    }


def color_file(config, labels, services, exclusive, reach, volumes):
    """Return the file that a color runs from: ``config`` with the role's labels, the way nginx reaches it, and shared
    volumes.

    ``labels``: app, color, release, deploy, config; ``services``: from named_services; ``exclusive``: names of the
    services that never run in both colors; ``reach``: reach_by_name(), reach_by_port() or reach_by_join(); ``volumes``:
    ``{key: volume name}`` of existing volumes to use again. Raises ComposeError.
    """
    app, color = labels["app"], labels["color"]
    result = copy.deepcopy(config)
    result["name"] = project_name(app, color)
    defined = result.get("services", {})
    for name, service in defined.items():
        service.pop("profiles", None)  # all rendered services are wanted, but Compose would leave these out again
        more = {"exclusive": "true"} if name in exclusive else {}
        service.setdefault("labels", {}).update({LABEL + key: value for key, value in dict(labels, **more).items()})
    for service in services:
        name = with_color(service["name"], color)
        if name not in defined:
            raise ComposeError(
                "the Compose file of {} has no service {}, only {}; correct bluegreen_services".format(
                    color, name, ", ".join(sorted(defined)) or "none"
                )
            )
        if replicas_of(defined[name]) < 1:
            raise ComposeError(f"service {name} takes traffic but has 0 replicas; give it at least one")
        reach(result, name, service)
    if result.get("volumes"):
        result["volumes"] = shared_volumes(config, app, volumes)
    return result


def reach_by_name(network, app, color):
    """nginx finds a color's services on ``network``, which their file joins."""

    def reach(config, name, service):
        key = _edge_key(config, network)
        _join(config["services"][name], name, key, alias(app, color, service["base"]))

    return reach


def reach_by_port(color):
    """nginx, on the host, finds a color's services by ports of their own."""

    def reach(config, name, service):
        _publish(config["services"][name], name, service["port"], service["publish"][color])

    return reach


def reach_by_join(config, name, _service):
    """nginx finds a color's services on its network, which the role connects them to later."""
    _refuse_network_mode(config["services"][name], name)


def shared_volumes(config, app, known):
    """Return a configuration's volumes. Both colors share them, so that uploads survive the swap. ``known``: as for
    color_file()."""
    volumes = config.get("volumes") or {}
    return {key: _shared_volume(config, app, key, known) for key in volumes}


def _edge_key(config, network):
    networks = config.setdefault("networks", {})
    for key, definition in networks.items():
        if (definition or {}).get("name") == network:
            return key
    key = network
    while key in networks:  # the user's file has another network with this key
        key = "edge_" + key
    networks[key] = {"name": network, "external": True}
    return key


def _refuse_network_mode(service, name):
    if service.get("network_mode"):
        raise ComposeError(
            "service {} has network_mode {}, so nginx can't find it by name; remove network_mode".format(
                name, service["network_mode"]
            )
        )


def _join(service, name, key, own_alias):
    _refuse_network_mode(service, name)
    networks = service.setdefault("networks", {"default": None})
    joined = networks.get(key) or {}
    joined["aliases"] = sorted(set(joined.get("aliases") or []) | {own_alias})
    networks[key] = joined


def _publish(service, name, target, published):
    if replicas_of(service) > 1:
        raise ComposeError(
            f"service {name} has {replicas_of(service)} replicas, but only one of them can publish the port for nginx; "
            "give it one replica, or run nginx in a container"
        )
    if service.get("network_mode", "bridge") != "bridge":
        raise ComposeError(
            "service {} has network_mode {}, so it can't publish a port for nginx; remove network_mode".format(
                name, service["network_mode"]
            )
        )
    own = {"mode": "ingress", "host_ip": LOOPBACK, "target": target, "published": str(published), "protocol": "tcp"}
    others = [port for port in service.get("ports") or [] if str(port.get("published")) != str(published)]
    service["ports"] = others + [own]


def _shared_volume(config, app, key, known):
    definition = dict(config["volumes"][key] or {})
    if not is_named_by_compose(config, key):
        return definition
    if key in known:
        return {"name": known[key], "external": True}
    definition["name"] = f"{app}_{key}"
    return definition
