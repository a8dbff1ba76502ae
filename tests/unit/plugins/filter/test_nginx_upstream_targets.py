# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.hotswap.compose.plugins.filter.nginx_upstream_targets import FilterModule

nginx_upstream_targets = FilterModule().filters()["nginx_upstream_targets"]


def test_it_reads_what_goes_where():
    text = "upstream shop-was { server was:3000 weight=2; }"
    assert nginx_upstream_targets(text) == {"shop-was": [{"host": "was", "port": 3000, "weight": 2}]}


def test_an_error_names_the_filter_and_the_line():
    message = 'hotswap.compose.nginx_upstream_targets: line 1: the text ends within "server was"; is it truncated?'
    with pytest.raises(AnsibleFilterError, match=re.escape(message)):
        nginx_upstream_targets("upstream shop-was { server was")
