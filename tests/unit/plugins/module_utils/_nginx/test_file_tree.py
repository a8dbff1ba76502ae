# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._nginx.file_tree import FileTree, is_glob, parts_of

FILES = [
    "/etc/nginx/conf.d/" + name
    for name in ("a.conf", "B.conf", "b.conf", "c1.conf", "c-1.conf", ".hidden.conf", "my site.conf", "[x].conf")
    + ("*.conf", "é1.conf", "d.conf.bak", "^.conf", "].conf", "back\\slash.conf")
]
FILES += ["/etc/nginx/sites/a-b/x.conf", "/etc/nginx/sites/a/x.conf", "/etc/nginx/sites/a/.y/z.conf", "/etc/other.conf"]

# What nginx 1.22.1, 1.26.3 and 1.30.6 read of these files, in their order.
EXPECTED = {
    "conf.d/a.conf": ["a.conf"],
    "./conf.d/a.conf": ["a.conf"],
    "conf.d//a.conf": ["a.conf"],
    "/etc/nginx/conf.d/./a.conf": ["a.conf"],
    "conf.d/my site.conf": ["my site.conf"],
    "conf.d/*.none": [],
    "none/*.conf": [],
    "conf.d/?.conf": ["*.conf", "B.conf", "].conf", "^.conf", "a.conf", "b.conf"],
    "conf.d/[ab].conf": ["a.conf", "b.conf"],
    "conf.d/[a-b].conf": ["a.conf", "b.conf"],
    "conf.d/[!a].conf": ["*.conf", "B.conf", "].conf", "^.conf", "b.conf"],
    "conf.d/[^a].conf": ["*.conf", "B.conf", "].conf", "^.conf", "b.conf"],
    "conf.d/[^a]*.conf": "all but a.conf",
    "conf.d/[a^].conf": ["^.conf", "a.conf"],
    "conf.d/[]a].conf": ["].conf", "a.conf"],
    "conf.d/[!]a].conf": ["*.conf", "B.conf", "^.conf", "b.conf"],
    "conf.d/[[:upper:]].conf": ["B.conf"],
    "conf.d/c[[:digit:]-]*.conf": ["c-1.conf", "c1.conf"],
    "conf.d/c[0-9].conf": ["c1.conf"],
    "conf.d/[x].conf": [],
    "conf.d/\\[x\\].conf": ["[x].conf"],
    "conf.d/[[]x[]].conf": ["[x].conf"],
    "conf.d/\\*.conf": ["*.conf"],
    "conf.d/[*].conf": ["*.conf"],
    "conf.d/[a.conf": [],
    "conf.d/.*.conf": [".hidden.conf"],
    "conf.d/[.]hidden.conf": [],
    "conf.d/?hidden.conf": [],
    "conf.d/*.bak": ["d.conf.bak"],
    "conf.d/b*.conf": ["b.conf", "back\\slash.conf"],
    "sites/*/x.conf": ["a-b/x.conf", "a/x.conf"],
    "sites/*/*/z.conf": [],
    "sites/a/.*/z.conf": ["a/.y/z.conf"],
    "*/a/x.conf": ["a/x.conf"],
}


def expected(pattern):
    named = EXPECTED[pattern]
    if named == "all but a.conf":
        named = sorted(
            path.rpartition("/")[2]
            for path in FILES
            if "/conf.d/" in path and path.endswith(".conf") and not path.endswith(("/a.conf", "/.hidden.conf"))
        )
    directory = "/etc/nginx/conf.d/" if "conf.d" in pattern else "/etc/nginx/sites/"
    return [directory + name for name in named]


@pytest.mark.parametrize("pattern", EXPECTED)
def test_a_name_stands_for_the_files_that_nginx_reads(pattern):
    absolute = pattern if pattern.startswith("/") else "/etc/nginx/" + pattern
    assert FileTree(FILES).matching(absolute) == expected(pattern)


def test_a_name_is_a_pattern_by_its_special_characters():
    assert [is_glob(name) for name in ("a*", "a?", "[a]", "a.conf", "{a,b}", "~", "a\\b")] == [True] * 3 + [False] * 4


def test_files_are_known_by_the_name_that_nginx_calls_them():
    tree = FileTree(["/etc/nginx/sites/../conf.d/a.conf", "/etc/nginx/conf.d/a.conf"])
    assert tree.matching("/etc/nginx/sites/../conf.d/*.conf") == ["/etc/nginx/sites/../conf.d/a.conf"]
    assert tree.matching("/etc/nginx/conf.d/*.conf") == ["/etc/nginx/conf.d/a.conf"]
    assert parts_of("/etc//nginx/./conf.d/") == parts_of("/etc/nginx/conf.d")


def test_a_file_is_no_directory():
    assert FileTree(["/a", "/a/b"]).matching("/a/*") == []
    assert FileTree(["/a/b", "/a"]).matching("/a") == []
