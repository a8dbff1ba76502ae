# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys of the Compose specification that would have no effect, or another one, in a color. The plan rejects them. Pure.

``config``: what Compose rendered, without nginx's own service.
"""

from __future__ import annotations

from .._errors import ComposeError

_HOOKS = {
    "post_start": "do that work in the entrypoint",
    "pre_stop": "do that work when the process gets its stop signal",
}


def refuse_unsupported(config, shared, exclusive):
    """Raise ComposeError for a key that has no effect in either layout. ``shared``, ``exclusive``: names of those
    services."""
    for name, service in sorted(config["services"].items()):
        if "provider" in service:
            raise ComposeError(
                f"service {name} has a provider, so another program starts it and the role has no container to check "
                "or replace; start it outside the Compose files, remove the service, and give the other services its "
                "address in an environment variable"
            )
        if service.get("models"):
            raise ComposeError(
                f"service {name} has models, which the Compose file of a color can't define; remove the key, and give "
                "the service the address and name of the model in environment variables"
            )
        for hook, remedy in _HOOKS.items():
            if service.get(hook) and name not in shared:
                raise ComposeError(
                    f"service {name} has {hook}, which only docker compose runs, but the role itself starts and stops "
                    f"containers, for example in a rollback; remove the key and {remedy}"
                )
        _refuse_pre_start(name, service, name in exclusive)
    _refuse_environment(config)


def _refuse_pre_start(name, service, is_exclusive):
    hooks = service.get("pre_start") or []
    if hooks and is_exclusive:
        raise ComposeError(
            f"exclusive service {name} has pre_start, which only docker compose runs, but a promotion starts the "
            "containers of exclusive services without it; remove the key and do that work in the entrypoint"
        )
    for hook in hooks:
        if hook.get("image"):
            raise ComposeError(
                f"service {name} has a pre_start hook with image {hook['image']}, which the role does not pull; remove "
                "image from the hook, so that it runs from the image of its service"
            )


def _refuse_environment(config):
    """Raise ComposeError if a container needs a variable of this run. A build may, because no rollback repeats it."""
    for kind in ("secrets", "configs"):
        mounted = {each["source"] for service in config["services"].values() for each in service.get(kind) or []}
        for name, definition in sorted((config.get(kind) or {}).items()):
            if "environment" in definition and name in mounted:
                raise ComposeError(
                    f"{kind[:-1]} {name} comes from the environment variable {definition['environment']}, which a "
                    "later rollback could not reproduce; use a file"
                )


def refuse_unsupported_in_one_file(config, shared):
    """Raise ComposeError for a key that has no effect if both colors run from one file, because each color has its own
    containers and networks. ``shared``: names of the shared services."""
    services = config["services"]
    owners = {service.get("container_name"): name for name, service in services.items() if name not in shared}
    for name, service in sorted(services.items()):
        for key, container in _containers_named(service):
            if container in owners:
                owner = owners[container]
                remedy = owner if key == "volumes_from" else f"service:{owner}"
                raise ComposeError(
                    f"service {name} has {key} container:{container}, but each color has its own container of service "
                    f"{owner}, with another name; write {key}: {remedy}"
                )
        if service.get("external_links"):
            raise ComposeError(
                f"service {name} has external_links {service['external_links'][0]}, which only work if both containers "
                "are on one network, but the role gives the service other networks; remove the key, connect both to an "
                "external network, and use the container's name"
            )


def _containers_named(service):
    """Return ``[(key, container)]``: the containers that a service names instead of services."""
    given = [(key, service.get(key) or "") for key in ("network_mode", "ipc", "pid")]
    given += [("volumes_from", each) for each in service.get("volumes_from") or []]
    return [(key, value.split(":")[1]) for key, value in given if value.startswith("container:")]
