# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.hotswap.compose.plugins.module_utils._nginx.directives import (
    brief,
    place_of,
    read_directives,
    shown,
)

DUMP = """\
events { }
# configuration file /etc/nginx/my site.conf:
a b 'c d';
e {
    # configuration file /no/header:
    f;
}
# configuration file /etc/nginx/other.conf:
g;
"""


def test_directives_are_known_by_file_and_line():
    files = read_directives(DUMP)
    assert list(files) == [None, "/etc/nginx/my site.conf", "/etc/nginx/other.conf"]
    plain, block = files["/etc/nginx/my site.conf"]
    assert (plain.words, plain.block) == (["a", "b", "c d"], None)
    assert [inner.words for inner in block.block] == [["f"]]
    assert [place_of(each) for each in (*files[None], plain, block.block[0])] == [
        "line 1",
        "/etc/nginx/my site.conf line 1",
        "/etc/nginx/my site.conf line 4",
    ]


def test_long_values_are_shortened():
    assert brief(["a", "b"]) == "a b"
    assert len(brief(["a" * 100])) == 60
    assert shown("a") == "'a'"
    assert len(shown("a" * 200)) == 100
