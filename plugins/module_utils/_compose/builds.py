# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which images of a release are built, which are pulled, and the names of the built ones. Pure.

A built image belongs to a release and not to a color. Its tag is the release, so that no other release uses it and a
rollback finds it. ``config``: what Compose rendered for a color; ``pull``: bluegreen_pull.
"""

from __future__ import annotations

import copy
import json
import re

from .._errors import ComposeError
from .._names import COLORS, PLACEHOLDER, is_single_file, without_color
from .._text import credentials_in, without_credentials

BUILD_FILE = "build.json"
"""The Compose file of the builds. It lies in the same directory as those of the colors."""

_PULLS_AGAIN = re.compile(r"daily|weekly|every_")
_NO_PART_OF_A_NAME = re.compile(r"[^a-z0-9]+")


def image_policy(service, pull):
    """Return where the image of a service comes from: ``build``, ``always``, ``missing`` or ``never``.

    The service's own ``pull_policy`` outranks bluegreen_pull, unless that is ``never``. A policy that asks the registry
    only from time to time asks it in each deploy.
    """
    own = service.get("pull_policy") or pull
    if own == "build" or pull == "never":
        return own if own == "build" else "never"
    if _PULLS_AGAIN.match(own):
        return "always"
    return "missing" if own == "if_not_present" else own


def pulled_instead(configs, pull, has):
    """Return the references of the images that are pulled although the file can build them.

    ``configs``: of both colors; ``has(reference, policy)``: whether such an image can be used: from its registry or,
    with the policy ``missing``, from the target if it was pulled.
    """
    policies = {}
    for service in [each for config in configs for each in config["services"].values()]:
        if "build" in service and service.get("image"):
            policies.setdefault(service["image"], set()).add(image_policy(service, pull))
    return {
        reference
        for reference, found in sorted(policies.items())
        if found <= {"always", "missing"} and has(reference, "always" if "always" in found else "missing")
    }


def release_builds(config, params, color, pulled, names):
    """Return the builds of a release, ``[{image, services, tags, service, definition}]``. Raises ComposeError.

    ``params``: app, release, compose_files; ``pulled``: from pulled_instead(); ``names``: of the color's services.
    Services with equal builds share one. So does a service that has the image but no build. ``image``: its name;
    ``services``: those that run it; ``tags``: its other names in the file; ``service``, ``definition``: the service
    that Compose builds.
    """
    builds, by_content, by_reference = [], {}, {}
    for name, service in sorted(config["services"].items()):
        if "build" not in service or service.get("image") in pulled:
            continue
        content = json.dumps([service["build"], service.get("platform")], sort_keys=True)
        build = by_content.get(content)
        if build is None:
            build = {"service": name, "services": [], "tags": list(service["build"].get("tags") or [])}
            build["definition"] = _definition(service)
            by_content[content] = build
            builds.append(build)
        build["services"].append(name)
        reference = service.get("image")
        if reference:
            other = by_reference.setdefault(reference, build)
            if other is not build:
                raise ComposeError(
                    f"services {other['service']} and {name} build different images named {reference}; give each "
                    "service an image name of its own, or the same build"
                )
            build["tags"] += [reference] if reference not in build["tags"] else []
    for name, service in sorted(config["services"].items()):
        if "build" not in service and service.get("image") in by_reference:
            by_reference[service["image"]]["services"].append(name)
    for build in builds:
        build["services"] = [name for name in build["services"] if name in names]
    builds = [build for build in builds if build["services"]]
    return _with_named_contexts([_named(build, params, color, builds) for build in builds])


def _with_named_contexts(builds):
    """Return the builds. In their additional contexts, each service gets the name that its build has. Raises
    ComposeError."""
    builder_of = _builder_of(builds)
    for build in builds:
        contexts = build["definition"]["build"].get("additional_contexts") or {}
        for key, context in sorted(contexts.items()):
            kind, _colon, other = context.partition(":")
            if kind == "service" and other not in builder_of:
                raise ComposeError(
                    f"service {build['services'][0]}: build.additional_contexts has {key}: {context}, but this run "
                    f"does not build {other}; give {other} a build and pull_policy: build and remove it from "
                    f"bluegreen_shared_services, or set {key} to docker-image://IMAGE or a directory"
                )
            if kind == "service":
                contexts[key] = f"service:{builder_of[other]}"
    return builds


def _builder_of(builds):
    return {name: build["service"] for build in builds for name in build["services"]}


def _named(build, params, color, builds):
    """Give a build its image name: a tag of the file that is the release, or one from the app and the service."""
    release = params["release"]
    own = [tag for tag in build["tags"] if tag.rpartition("/")[2].partition(":")[2] == release]
    build["image"] = own[0] if own else _image_name(params, color, build["service"])
    build["tags"] = [tag for tag in build["tags"] if tag != build["image"]]
    for other in builds:
        if other is not build and other.get("image") == build["image"]:
            raise ComposeError(
                f"services {other['service']} and {build['service']} would both build an image named {build['image']}; "
                "rename one of the services, or give it an image"
            )
    return build


def _image_name(params, color, service):
    """Return ``shop/web:v1``. With a hyphen, service api-web of app shop would equal service web of app shop-api."""
    if not is_single_file(params["compose_files"]):
        service = without_color(service.replace(color, PLACEHOLDER, 1))
    parts = [_NO_PART_OF_A_NAME.sub("-", part.lower()).strip("-") for part in (params["app"], service)]
    return f"{'/'.join(filter(None, parts))}:{params['release']}"


def refuse_colored_builds(configs, compose_files):
    """Raise ComposeError if the colors build one service differently, because a rollback may run the image of one color
    in the other. ``configs``: ``{color: config}``."""
    single = is_single_file(compose_files)
    blue, green = (configs[color]["services"] for color in COLORS)
    for name, service in sorted(blue.items()):
        other = name if single else name.replace(COLORS[0], COLORS[1])
        builds = [each.get("build") for each in (service, green.get(other, {}))]
        if None in builds or builds[0] == builds[1]:
            continue
        keys = sorted(key for key in {**builds[0], **builds[1]} if builds[0].get(key) != builds[1].get(key))
        raise ComposeError(
            f"service {name}: build differs between the colors in {' and '.join(keys)}, but a rollback may run an "
            "image in either color; remove what depends on the color"
        )


def shared_builds(config, names):
    """Return the builds, as from release_builds(), of shared services that Compose will start. These services outlive
    releases, so each image has the name that Compose gives it. ``names``: of those services; ``config``: their file."""
    builds = []
    for name in names:
        service = config["services"][name]
        if "build" in service:
            image = service.get("image") or f"{config['name']}-{name}"
            build = {"image": image, "services": [name], "tags": [], "service": f"shared-{name}"}
            builds.append(dict(build, definition=_definition(service)))
    return _with_named_contexts(builds)


def _definition(service):
    """Return the parts of a service on which its build depends."""
    return {key: copy.deepcopy(service[key]) for key in ("build", "platform") if key in service}


def with_built_images(config, builds, pulled):
    """Return the file of a color in which each service names an image that exists before it starts. No service builds
    or pulls."""
    image_of = {name: build["image"] for build in builds for name in build["services"]}
    result = copy.deepcopy(config)
    for name, service in result["services"].items():
        service.pop("pull_policy", None)
        if name in image_of:
            service["image"] = image_of[name]
        if name in image_of or service.get("image") in pulled:
            service.pop("build", None)
    return result


def build_file(config, builds, project):
    """Return the Compose file of the builds. ``config``: all that Compose rendered. A build waits for the builds of the
    services that its service depends on, because its Dockerfile may begin FROM their images."""
    builder_of = _builder_of(builds)
    services, secrets = {}, {}
    for build in builds:
        definition = copy.deepcopy(build["definition"])
        tags = [*(definition["build"].get("tags") or []), *build["tags"]]
        definition["build"]["tags"] = [tag for tag in dict.fromkeys(tags) if tag != build["image"]]
        definition["image"] = build["image"]
        needs = {name for each in build["services"] for name in config["services"][each].get("depends_on") or {}}
        first = sorted({builder_of[name] for name in needs & set(builder_of)} - {build["service"]})
        if first:
            definition["depends_on"] = {name: {"condition": "service_started"} for name in first}
        used = [secret["source"] for secret in definition["build"].get("secrets") or []]
        secrets.update({name: config["secrets"][name] for name in used})
        services[build["service"]] = definition
    return {"name": project, "services": services, **({"secrets": secrets} if secrets else {})}


def describe_build(build):
    """Return the part of a build that a plan has, without any token in the URL of its context."""
    context = without_credentials(build["definition"]["build"].get("context", ""))
    return {"image": build["image"], "services": build["services"], "context": context}


def secret_values(config):
    """Return the secrets in a file of builds: values of build arguments, and tokens in the URLs of contexts."""
    values = []
    for build in (service["build"] for service in config["services"].values()):
        values += [str(value) for value in (build.get("args") or {}).values() if value is not None]
        for context in [build.get("context") or "", *(build.get("additional_contexts") or {}).values()]:
            values += credentials_in(context)
    return values
