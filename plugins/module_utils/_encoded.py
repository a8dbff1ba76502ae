# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that are Base64 of JSON: no output shows what is in them, not even where they can't be read."""

from __future__ import annotations

import base64
import json


def decoded(text):
    """Return what an option of Base64 of JSON holds; None where that is nothing. Raises ValueError."""
    given = json.loads(base64.b64decode(text))
    if isinstance(given, str):  # by -e name=value, or a survey
        given = json.loads(given) if given.strip() else None
    return given


def mapping_in(text):
    """Return the mapping that such an option holds, without what is not given (None). Raises ValueError."""
    return {key: value for key, value in (decoded(text) or {}).items() if value is not None}
