# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hotswap.compose.plugins.filter.nginx_upstream import FilterModule

nginx_upstream = FilterModule().filters()["nginx_upstream"]


def test_it_renders_with_and_without_a_resolver():
    targets = [{"host": "was", "port": 3000}]
    assert nginx_upstream(targets, "shop-was") == "upstream shop-was {\n    server was:3000;\n}\n"
    assert "    server was:3000 resolve;\n" in nginx_upstream(targets, "shop-was", resolver="127.0.0.11")


def test_an_error_names_the_filter_and_the_field():
    message = (
        "hotswap.compose.nginx_upstream: targets[0].port: 'x' is out of range; give a whole number from 1 to 65535"
    )
    with pytest.raises(AnsibleFilterError, match=re.escape(message)):
        nginx_upstream([{"host": "was", "port": "x"}], "shop-was")
