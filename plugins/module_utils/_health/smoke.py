# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Smoke tests: how the answer to a request is rated. Pure.

A *test* is a mapping with the keys of TEST_ARGUMENTS.
"""

from __future__ import annotations

import json
import platform
import sys

from .._text import excerpt

try:
    import jmespath
    from jmespath.exceptions import JMESPathError
except ImportError as error:
    JMESPATH_IMPORT_ERROR: ImportError | None = error
else:
    JMESPATH_IMPORT_ERROR = None

# Options of one test, as in the role's bluegreen_smoke_tests.
TEST_ARGUMENTS = {
    "service": {"type": "str", "required": True},
    "path": {"type": "str", "default": "/"},
    "method": {"type": "str", "default": "GET"},
    "headers": {"type": "dict", "default": {}},
    "body": {"type": "str"},
    "status": {"type": "int", "default": 200},
    "contains": {"type": "str"},
    "jmespath": {"type": "str"},
    "retries": {"type": "int", "default": 3},
}

EXCERPT = 300
"""The most characters of an answer that are shown."""


def expression_problem(expression):
    """Return why a JMESPath expression can't be evaluated, or None."""
    if JMESPATH_IMPORT_ERROR is not None:
        return (
            f"jmespath is missing on {platform.node()} for {sys.executable}; install the package python3-jmespath or, "
            "with that Python's pip, jmespath"
        )
    try:
        jmespath.compile(expression)
    except JMESPathError as error:
        return "it is not a JMESPath expression: " + " ".join(str(error).split())
    return None


def judge_answer(test, status, body):
    """Return why an answer does not pass, as one phrase. None if it passes."""
    if status != test["status"]:
        return f"the status is {status}, not {test['status']}"
    if test["contains"] and test["contains"] not in body:
        return f"the answer does not contain {test['contains']!r}"
    if not test["jmespath"]:
        return None
    try:
        value = jmespath.search(test["jmespath"], json.loads(body))
    except ValueError as error:
        if isinstance(error, JMESPathError):
            return f"{test['jmespath']} can't be evaluated: {excerpt(str(error), EXCERPT)}"
        return f"the answer is not JSON, so {test['jmespath']} has no value"
    return None if is_true(value) else f"{test['jmespath']} is {json.dumps(value)}"


def is_true(value):
    """Return whether JMESPath counts a value as true: all except null, false, and empty values. 0 is true."""
    return not (value is None or value is False or (isinstance(value, (str, list, dict)) and not value))


def describe_results(results):
    """Return one sentence about the failed tests, each as from SmokeRun.ask(), or None."""
    failed = [result for result in results if result["problem"]]
    if not failed:
        return None
    first = failed[0]
    attempts = f" after {first['attempts']} attempts" if first["attempts"] > 1 else ""
    answer = f"; the answer: {first['answer']}" if first["answer"] else ""
    more = f" ({len(failed) - 1} more failed)" if len(failed) > 1 else ""
    return f"{first['request']} of {first['service']} failed{attempts}: {first['problem']}{answer}{more}"
