# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

from ansible_collections.hotswap.compose.plugins.module_utils import _errors


def errors():
    return {name: each for name, each in vars(_errors).items() if isinstance(each, type)}


def test_each_error_is_one_of_the_family():
    assert all(issubclass(each, _errors.BluegreenError) for each in errors().values())


def test_the_drawing_is_the_family():
    drawn = re.findall(r"^    (?:│   |    )*(?:├── |└── )?(\w+)( \(\*\))?", _errors.__doc__, re.M)
    assert sorted(name for name, _star in drawn) == sorted(errors())
    starred = {name for name, star in drawn if star}
    assert starred == {name for name, each in errors().items() if issubclass(each, ValueError)}


def test_who_has_the_lock_is_told():
    error = _errors.LockHeld("a deploy of v2", {"user": "ann"})
    assert (str(error), error.holder) == ("a deploy of v2", {"user": "ann"})
