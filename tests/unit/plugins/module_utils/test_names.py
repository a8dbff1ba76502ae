# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils import _names

PARTS = st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,8}[a-z0-9])?", fullmatch=True)


COLORS = st.sampled_from(_names.COLORS)


@pytest.mark.parametrize(
    "name, base",
    [
        ("was-{color}", "was"),
        ("was_{color}", "was"),
        ("was.{color}", "was"),
        ("{color}-was", "was"),
        ("was{color}", "was"),
        ("was-{color}-eu", "was-eu"),
        ("was{color}-eu", "waseu"),
        ("{color}", ""),
        ("was", "was"),
        ("was-{color}-{color}", "was-{color}"),
    ],
)
def test_a_service_without_its_color(name, base):
    assert _names.without_color(name) == base


@given(PARTS, st.sampled_from("-_."), COLORS)
def test_color_and_separator_are_what_goes_and_comes(base, separator, color):
    for name, colored in (
        (base + separator + "{color}", base + separator + color),
        ("{color}" + separator + base, color + separator + base),
    ):
        assert _names.without_color(name) == base
        assert _names.with_color(name, color) == colored


@given(st.text(alphabet="ab{}color$%-", max_size=30), COLORS)
def test_only_the_placeholder_is_replaced(text, color):
    assert _names.with_color(text, color) == color.join(text.split("{color}"))


def test_names_that_follow():
    assert _names.other_color("blue") == "green"
    assert _names.other_color("green") == "blue"
    assert _names.project_name("shop", "blue") == "shop-blue"
    assert _names.alias("shop", "green", "was") == "shop-green-was"
    assert _names.named_services(
        "shop",
        [{"name": "was-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3001, "upstream": "ws"}],
    ) == [
        {"name": "was-{color}", "base": "was", "port": 3000, "upstream": "shop-was", "publish": None, "probe": None},
        {"name": "signal-{color}", "base": "signal", "port": 3001, "upstream": "ws", "publish": None, "probe": None},
    ]
