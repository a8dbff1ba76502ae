# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._nginx import app_file, canary
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams

BLUE = [{"host": "shop-blue-was", "port": 3000}]
GREEN = [{"host": "shop-green-was", "port": 3000}]


def file(resolver="127.0.0.11", targets=None):
    upstreams = [{"name": "shop-was", "targets": targets or BLUE}]
    server = "server {\n    location / {\n        proxy_pass http://shop-was;\n    }\n}\n"
    return app_file.with_marks(
        app_file.app_text("shop", "blue", "v1", upstreams, resolver, server), generation="c0ffee"
    )


def begun(share, resolver="127.0.0.11", addresses=(1, 1), active=None):
    upstreams = [{"name": "shop-was", "targets": GREEN, "active_targets": active or BLUE, "addresses": addresses}]
    return canary.with_canary(file(resolver, active), share, upstreams, resolver)


def steps(*weights, hold=1):
    return [{"weight": weight, "hold": hold} for weight in weights]


@pytest.mark.parametrize(
    "given, wrong",
    [
        ([], []),
        (None, []),
        (steps(10, 50, 99), []),
        (steps(50, hold=0), []),
        (steps(100), [100]),
        (steps(0), [0]),
        (steps(-5, 10), [-5]),
        (steps(20, 10), [10]),
        (steps(20, 20), [20]),
        (steps(10, 130, 50), [130, 50]),
        (steps(10, hold=-1), [-1]),
    ],
)
def test_what_is_wrong_with_the_steps(given, wrong):
    assert [value for value, _remedy in canary.canary_problems(given)] == wrong


@pytest.mark.parametrize(
    "share, addresses, weights",
    [
        (50, (1, 1), (1, 1)),
        (10, (1, 1), (9, 1)),
        (25, (1, 3), (9, 1)),
        (25, (3, 1), (1, 1)),
        (10, (0, 0), (9, 1)),
        (99, (1, 1), (1, 99)),
    ],
)
def test_weights_of_one_address(share, addresses, weights):
    assert canary.weights(share, *addresses) == weights


@given(st.integers(1, 99), st.integers(1, 50), st.integers(1, 50))
def test_weights_make_the_share(share, active, idle):
    ours, theirs = canary.weights(share, active, idle)
    assert theirs * idle * 100 == share * (ours * active + theirs * idle)
    assert 1 <= ours <= 65535 and 1 <= theirs <= 65535


@pytest.mark.parametrize("resolver, followed", [("127.0.0.11", " resolve"), (None, "")])
def test_begun(resolver, followed):
    text = begun(10, resolver)
    assert f"    server shop-blue-was:3000 weight=9{followed};\n" in text
    assert f"    server shop-green-was:3000{followed};  # canary\n" in text
    assert parse_upstreams(text) == {
        "shop-was": [
            {"host": "shop-blue-was", "port": 3000, "weight": 9},
            {"host": "shop-green-was", "port": 3000, "weight": 1},
        ]
    }
    assert "proxy_pass http://shop-was;" in text and app_file.generation_of(text) == "c0ffee"


@pytest.mark.parametrize("share", [1, 10, 50, 90])
@pytest.mark.parametrize("resolver", ["127.0.0.11", None])
@pytest.mark.parametrize("active", [BLUE, [{"host": "web", "port": 3000, "at_load": True}]], ids=["ours", "by hand"])
def test_ended(share, resolver, active):
    text = begun(share, resolver, (2, 3), active)
    assert canary.without_canary(text) == file(resolver, active) == app_file.without_sections(text)
    assert canary.without_canary(file(resolver, active)) == file(resolver, active)
    assert canary.without_canary(None) is None
