# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import base64
import json

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _options

GIVEN = {"url": "registry.example:5000", "password": "a:b"}


@pytest.mark.parametrize("given", [GIVEN, json.dumps(GIVEN), {**GIVEN, "username": None}, {}, "{}", "", " ", None])
def test_mapping(given):
    text = base64.b64encode(json.dumps(given).encode()).decode()
    assert _options.decode_mapping(text) == (GIVEN if "url" in (given or "") else {})


@pytest.mark.parametrize("text", ["", "e", "bm8=", "öl"])
def test_what_is_none(text):
    with pytest.raises(ValueError):
        _options.decode(text)


@pytest.mark.parametrize(
    "value, left",
    [
        (
            {"name": "was", "upstream": None, "publish": {"blue": 1, "green": None}},
            {"name": "was", "publish": {"blue": 1}},
        ),
        ([{"a": None}, None, 0, ""], [{}, None, 0, ""]),
        (False, False),
    ],
)
def test_what_nobody_gave_is_left_out(value, left):
    assert _options.without_unset(value) == left
