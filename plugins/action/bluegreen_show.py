# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible.plugins.action import ActionBase
from ansible.utils.display import Display


class ActionModule(ActionBase):
    """Print a text as it is, in one piece, so that those of several hosts don't mix."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp=None, task_vars=None):
        result = super().run(tmp, task_vars)
        _validated, arguments = self.validate_argument_spec(argument_spec={"text": {"type": "str", "required": True}})
        Display().display(printable(arguments["text"].rstrip()))
        result.update(changed=False)
        return result


def printable(text):
    """Return ``text`` without what would tell a terminal to do something: an app's log may hold anything."""
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text.expandtabs(4))
