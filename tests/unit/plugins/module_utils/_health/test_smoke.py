# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The answer is what a Node application with a health module gave."""

from __future__ import annotations

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._health import smoke

HEALTH = '{"status":"ok","info":{"db":{"status":"up"},"queue":{"depth":0}},"error":{},"details":{"db":{"status":"up"}}}'


def a_test(**more):
    defaults = {name: rule.get("default") for name, rule in smoke.TEST_ARGUMENTS.items()}
    return {**defaults, "service": "was-{color}", **more}


@pytest.mark.parametrize(
    "test, status, body, problem",
    [
        ({}, 200, "", None),
        ({}, 503, "", "the status is 503, not 200"),
        ({"status": 404}, 404, "", None),
        ({"contains": '"up"'}, 200, HEALTH, None),
        ({"contains": "down"}, 200, HEALTH, "the answer does not contain 'down'"),
        ({"jmespath": "status == 'ok' && info.db.status == 'up'"}, 200, HEALTH, None),
        ({"jmespath": "status == 'ok' && info.db.status == 'down'"}, 200, HEALTH, "{jmespath} is false"),
        ({"jmespath": "info.cache.status"}, 200, HEALTH, "{jmespath} is null"),
        ({"jmespath": "error"}, 200, HEALTH, "{jmespath} is {{}}"),
        ({"jmespath": "info.queue.depth"}, 200, HEALTH, None),  # 0 is true
        ({"jmespath": "status"}, 200, "<html>", "the answer is not JSON, so {jmespath} has no value"),
        ({"jmespath": "status"}, 200, "", "the answer is not JSON, so {jmespath} has no value"),
        ({"jmespath": "length(info.queue.depth)"}, 200, HEALTH, "{jmespath} can't be evaluated: "),
        ({"contains": "ok", "jmespath": "status"}, 500, HEALTH, "the status is 500, not 200"),
    ],
)
def test_what_an_answer_is_worth(test, status, body, problem):
    said = smoke.judge_answer(a_test(**test), status, body)
    if problem is None:
        assert said is None
    else:
        assert said.startswith(problem.format(jmespath=test.get("jmespath"))), said


@pytest.mark.parametrize("expression", ["status == 'ok'", "length(a) > `0`", "a[?b=='c'] | [0]"])
def test_an_expression_that_compiles(expression):
    assert smoke.expression_problem(expression) is None


@pytest.mark.parametrize("expression", ["status == 'ok", "a b", "", "&&", "unknown("])
def test_an_expression_that_does_not(expression):
    assert smoke.expression_problem(expression).startswith("it is not a JMESPath expression: ")


def test_a_target_without_jmespath(monkeypatch):
    monkeypatch.setattr(smoke, "JMESPATH_IMPORT_ERROR", ImportError("No module named 'jmespath'"))
    assert "install the package python3-jmespath" in smoke.expression_problem("status")


def result(problem="the status is 500, not 200", **more):
    return {
        "service": "was-{color}",
        "request": "GET http://10.0.0.2:3000/health",
        "attempts": 1,
        "problem": problem,
        "answer": "",
        **more,
    }


@pytest.mark.parametrize(
    "results, said",
    [
        ([], None),
        ([result(None)], None),
        (
            [result(None), result()],
            "GET http://10.0.0.2:3000/health of was-{color} failed: the status is 500, not 200",
        ),
        (
            [result(attempts=4, answer="oh no"), result(), result()],
            "GET http://10.0.0.2:3000/health of was-{color} failed after 4 attempts: the status is 500, not 200; "
            "the answer: oh no (2 more failed)",
        ),
    ],
)
def test_what_a_person_is_told(results, said):
    assert smoke.describe_results(results) == said
