# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._compose import builds
from ansible_collections.hotswap.compose.plugins.module_utils._errors import ComposeError

HERE = {"context": "/srv/shop", "dockerfile": "Dockerfile"}
THERE = {"context": "/srv/shop/there"}

PARAMS = {"app": "shop", "release": "v2", "compose_files": ["compose.yml"]}


def of(config, release="v2", pulled=(), names=None, **params):
    """Return ``[(image, services, tags)]`` of the builds of a release."""
    params = {**PARAMS, "release": release, **params}
    names = set(config) if names is None else names
    found = builds.release_builds({"services": config}, params, "blue", set(pulled), names)
    return [(build["image"], build["services"], build["tags"]) for build in found]


@pytest.mark.parametrize(
    "own, pull, expected",
    [
        (None, "always", "always"),
        (None, "missing", "missing"),
        (None, "never", "never"),
        ("build", "always", "build"),
        ("build", "never", "build"),
        ("always", "missing", "always"),
        ("always", "never", "never"),
        ("missing", "always", "missing"),
        ("if_not_present", "always", "missing"),
        ("never", "always", "never"),
        ("daily", "missing", "always"),
        ("weekly", "missing", "always"),
        ("every_12h", "missing", "always"),
        ("every_12h", "never", "never"),
    ],
)
def test_where_an_image_comes_from(own, pull, expected):
    assert builds.image_policy({"pull_policy": own} if own else {}, pull) == expected


@pytest.mark.parametrize(
    "services, pull, asked",
    [
        ({"web": {"build": HERE}}, "always", []),  # Compose names its image itself, so no registry has it
        ({"web": {"image": "x"}}, "always", []),
        ({"web": {"build": HERE, "image": "x"}}, "always", [("x", "always")]),
        ({"web": {"build": HERE, "image": "x"}}, "missing", [("x", "missing")]),
        ({"web": {"build": HERE, "image": "x"}}, "never", []),
        ({"web": {"build": HERE, "image": "x", "pull_policy": "build"}}, "always", []),
        ({"web": {"build": HERE, "image": "x", "pull_policy": "never"}}, "always", []),
        ({"web": {"build": HERE, "image": "x", "pull_policy": "daily"}}, "missing", [("x", "always")]),
        (
            {"a": {"build": HERE, "image": "x"}, "b": {"build": HERE, "image": "x", "pull_policy": "build"}},
            "always",
            [],
        ),
        ({"a": {"build": HERE, "image": "x"}, "b": {"build": HERE, "image": "x"}}, "always", [("x", "always")]),
    ],
)
def test_of_which_images_the_registry_is_asked(services, pull, asked):
    seen = []
    config = {"services": services}
    pulled = builds.pulled_instead([config, config], pull, lambda *question: seen.append(question) or True)
    assert (seen, pulled) == (asked, {name for name, _policy in asked})
    assert builds.pulled_instead([config], pull, lambda *_question: False) == set()


@pytest.mark.parametrize(
    "services, expected",
    [
        ({"web": {"build": HERE}}, [("shop/web:v2", ["web"], [])]),
        ({"web": {"image": "x"}}, []),
        # A name of the file that is one of the release is enough; any other is another name of the same image.
        ({"web": {"build": HERE, "image": "x:v2"}}, [("x:v2", ["web"], [])]),
        ({"web": {"build": HERE, "image": "r.example:5000/x:v2"}}, [("r.example:5000/x:v2", ["web"], [])]),
        ({"web": {"build": HERE, "image": "x"}}, [("shop/web:v2", ["web"], ["x"])]),
        ({"web": {"build": HERE, "image": "x:latest"}}, [("shop/web:v2", ["web"], ["x:latest"])]),
        ({"web": {"build": HERE, "image": "x:v20"}}, [("shop/web:v2", ["web"], ["x:v20"])]),
        ({"web": {"build": HERE, "image": "r.example:v2/x"}}, [("shop/web:v2", ["web"], ["r.example:v2/x"])]),
        ({"web": {"build": dict(HERE, tags=["x:a", "x:v2"])}}, [("x:v2", ["web"], ["x:a"])]),
        # One source is built once.
        ({"web": {"build": HERE}, "job": {"build": HERE}}, [("shop/job:v2", ["job", "web"], [])]),
        (
            {"web": {"build": HERE, "image": "x"}, "job": {"build": HERE, "image": "y"}},
            [("shop/job:v2", ["job", "web"], ["y", "x"])],
        ),
        ({"web": {"build": HERE, "image": "x"}, "job": {"image": "x"}}, [("shop/web:v2", ["web", "job"], ["x"])]),
        (
            {"web": {"build": HERE}, "job": {"build": THERE}},
            [("shop/job:v2", ["job"], []), ("shop/web:v2", ["web"], [])],
        ),
        (
            {"web": {"build": HERE}, "job": {"build": HERE, "platform": "linux/arm64"}},
            [("shop/job:v2", ["job"], []), ("shop/web:v2", ["web"], [])],
        ),
        ({"My_Web": {"build": HERE}}, [("shop/my-web:v2", ["My_Web"], [])]),
    ],
)
def test_builds_of_a_release(services, expected):
    assert of(services) == expected


def test_what_is_pulled_is_not_built():
    services = {"web": {"build": HERE, "image": "x"}, "job": {"image": "x"}}
    assert of(services, pulled=["x"]) == []
    named = builds.with_built_images({"services": services}, [], {"x"})
    assert named["services"] == {"web": {"image": "x"}, "job": {"image": "x"}}


def test_no_build_of_a_release_for_a_shared_service():
    services = {"db": {"build": THERE, "image": "d"}, "dump": {"image": "d"}, "web": {"build": HERE}}
    assert of(services, names={"web"}) == [("shop/web:v2", ["web"], [])]
    assert of(services, names={"web", "dump"}) == [("shop/db:v2", ["dump"], ["d"]), ("shop/web:v2", ["web"], [])]


@pytest.mark.parametrize(
    "service, image",
    [("was-blue", "shop/was:v2"), ("blue_was", "shop/was:v2"), ("a", "shop/a:v2"), ("blue", "shop:v2")],
)
def test_image_names_have_no_color(service, image):
    assert of({service: {"build": HERE}}, compose_files=["compose.{color}.yml"])[0][0] == image
    assert of({"blueprint": {"build": HERE}})[0][0] == "shop/blueprint:v2"


def test_apps_whose_names_begin_alike_have_images_of_their_own():
    names = [of({"api-web": {"build": HERE}})[0][0], of({"web": {"build": HERE}}, app="shop-api")[0][0]]
    assert names == ["shop/api-web:v2", "shop-api/web:v2"]


@pytest.mark.parametrize(
    "services, words",
    [
        (
            {"web": {"build": HERE, "image": "x"}, "job": {"build": THERE, "image": "x"}},
            "services job and web build different images named x",
        ),
        (
            {"web-1": {"build": HERE}, "web_1": {"build": THERE}},
            "services web-1 and web_1 would both build an image named shop/web-1:v2",
        ),
    ],
)
def test_builds_under_one_name_are_refused(services, words):
    with pytest.raises(ComposeError, match=words):
        of(services)


def test_color_starts_from_images_alone():
    services = {
        "web": {"build": HERE, "image": "x", "pull_policy": "build"},
        "cache": {"image": "cache:1", "pull_policy": "daily"},
    }
    config = {"services": services}
    found = builds.release_builds(config, PARAMS, "blue", set(), set(services))
    named = builds.with_built_images(config, found, set())
    assert named["services"] == {"web": {"image": "shop/web:v2"}, "cache": {"image": "cache:1"}}
    assert "build" in services["web"], "the argument stays as it is"


def test_file_of_the_builds():
    services = {
        "base": {"build": THERE, "image": "base"},
        "web": {
            "build": dict(HERE, secrets=[{"source": "token"}], tags=["x:extra"]),
            "image": "x",
            "platform": "linux/amd64",
            "depends_on": {"base": {"condition": "service_started"}, "cache": {"condition": "service_started"}},
        },
        "cache": {"image": "cache:1"},
    }
    config = {"services": services, "secrets": {"token": {"environment": "TOKEN"}, "other": {"file": "/o"}}}
    found = builds.release_builds(config, PARAMS, "blue", set(), set(services))
    assert builds.build_file(config, found, "shop-blue") == {
        "name": "shop-blue",
        "services": {
            "base": {"build": dict(THERE, tags=["base"]), "image": "shop/base:v2"},
            "web": {
                "build": dict(HERE, secrets=[{"source": "token"}], tags=["x:extra", "x"]),
                "platform": "linux/amd64",
                "image": "shop/web:v2",
                "depends_on": {"base": {"condition": "service_started"}},
            },
        },
        "secrets": {"token": {"environment": "TOKEN"}},
    }


def test_shared_services_keep_the_names_that_compose_gives_their_images():
    config = {"name": "shop-shared", "services": {"db": {"build": THERE}, "mq": {"build": HERE, "image": "mq:3"}}}
    found = builds.shared_builds(config, ["db", "mq"])
    assert [build["image"] for build in found] == ["shop-shared-db", "mq:3"]
    assert list(builds.build_file(config, found, "p")["services"]) == ["shared-db", "shared-mq"]
    assert builds.shared_builds(config, []) == []


@pytest.mark.parametrize(
    "blue, green, files, refused",
    [
        ({"web": {"build": HERE}}, {"web": {"build": HERE}}, ["compose.yml"], None),
        (
            {"web": {"build": HERE}},
            {"web": {"build": THERE}},
            ["compose.yml"],
            "web: .* in context and dockerfile, but",
        ),
        ({"w-blue": {"build": HERE}}, {"w-green": {"build": HERE}}, ["c.{color}.yml"], None),
        ({"w-blue": {"build": HERE}}, {"w-green": {"build": THERE}}, ["c.{color}.yml"], "w-blue: build differs"),
        ({"w-blue": {"build": HERE}}, {"w-green": {"image": "x"}}, ["c.{color}.yml"], None),
        ({"w-blue": {"build": HERE}}, {}, ["c.{color}.yml"], None),
    ],
)
def test_one_image_for_both_colors(blue, green, files, refused):
    configs = {"blue": {"services": blue}, "green": {"services": green}}
    if refused is None:
        builds.refuse_colored_builds(configs, files)
        return
    with pytest.raises(ComposeError, match=refused):
        builds.refuse_colored_builds(configs, files)


def test_plan_shows_no_argument_of_a_build():
    (build,) = builds.release_builds(
        {"services": {"web": {"build": dict(HERE, args={"TOKEN": "s3cret", "EMPTY": None})}}},
        PARAMS,
        "blue",
        set(),
        {"web"},
    )
    assert builds.describe_build(build) == {"image": "shop/web:v2", "services": ["web"], "context": "/srv/shop"}
    assert builds.secret_values({"services": {"web": build["definition"]}}) == ["s3cret"]


def test_plan_and_output_show_no_token_of_a_context():
    context = "https://user:s3cret@git.example/shop.git?checksum=c0ffee#main:app"
    build = {"context": context, "additional_contexts": {"lib": "https://t0ken@git.example/lib.git", "own": "./lib"}}
    (found,) = builds.release_builds({"services": {"web": {"build": build}}}, PARAMS, "blue", set(), {"web"})
    assert builds.describe_build(found)["context"] == "https://git.example/shop.git#main:app"
    assert builds.secret_values({"services": {"web": found["definition"]}}) == ["s3cret", "c0ffee", "t0ken"]
    assert found["definition"]["build"]["context"] == context, "Docker gets it whole"


ON_BASE = dict(HERE, additional_contexts={"base": "service:base", "docs": "./docs"})


@pytest.mark.parametrize(
    "services, context",
    [
        ({"base": {"build": THERE}}, "service:base"),
        ({"base": {"build": THERE}, "a": {"build": THERE}}, "service:a"),  # one build of equal ones
        ({"base": {"image": "x"}, "lib": {"build": THERE, "image": "x"}}, "service:lib"),
    ],
)
def test_context_of_another_service_has_the_name_of_its_build(services, context):
    config = {"services": {"web": {"build": ON_BASE}, **services}}
    found = builds.release_builds(config, PARAMS, "blue", set(), set(config["services"]))
    file = builds.build_file(config, found, "shop-blue")["services"]
    assert file["web"]["build"]["additional_contexts"] == {"base": context, "docs": "./docs"}
    assert context.partition(":")[2] in file


@pytest.mark.parametrize(
    "services, pulled, names",
    [
        ({}, set(), {"web"}),  # it was nginx
        ({"base": {"build": THERE}}, set(), {"web"}),  # it is shared
        ({"base": {"build": THERE}, "a": {"build": THERE}}, set(), {"web", "a"}),
        ({"base": {"build": THERE, "image": "x"}}, {"x"}, {"web", "base"}),
        ({"base": {"image": "x"}}, set(), {"web", "base"}),
    ],
)
def test_context_of_a_service_that_is_not_built_is_refused(services, pulled, names):
    config = {"services": {"web": {"build": ON_BASE}, **services}}
    with pytest.raises(
        ComposeError,
        match="^service web: build.additional_contexts has base: service:base, but this run does not build base; ",
    ):
        builds.release_builds(config, PARAMS, "blue", pulled, names)


def test_contexts_of_shared_services():
    config = {"name": "shop-shared", "services": {"base": {"build": THERE}, "db": {"build": ON_BASE}}}
    db = builds.shared_builds(config, ["base", "db"])[1]
    assert db["definition"]["build"]["additional_contexts"]["base"] == "service:shared-base"
    with pytest.raises(ComposeError, match="^service db: build.additional_contexts"):
        builds.shared_builds(config, ["db"])
