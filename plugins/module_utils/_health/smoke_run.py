# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the smoke tests against each replica of a color, or through nginx."""

from __future__ import annotations

import http.client
import threading
import time
from concurrent.futures import Future
from urllib.parse import urlsplit

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from .._docker.containers import containers_of_run
from .._docker.traffic import endpoints_of
from .._errors import SmokeError
from .._http import send_request
from .._names import without_color
from .._nginx.vhost import service_at
from .._options import decode
from .._text import excerpt
from .smoke import EXCERPT, TEST_ARGUMENTS, expression_problem, judge_answer

PATIENCE = 10.0
"""Seconds to wait for one answer."""
RETRY_AFTER = 1.0
"""Seconds from an answer that does not pass to the next attempt."""

# Documented in the fragment hotswap.compose._app.smoke.
SMOKE_ARGUMENTS = {
    "tests": {"type": "str", "default": "W10=", "no_log": True},
    "network": {"type": "str", "default": "edge"},
    "nginx_mode": {"type": "str", "choices": ["container", "host"], "default": "container"},
}


def parse_smoke_tests(text):
    """Return the tests in the option ``tests``. Raises SmokeError."""
    spec = {"tests": {"type": "list", "elements": "dict", "options": TEST_ARGUMENTS}}
    try:
        given = decode(text) or []
    except ValueError as error:
        raise SmokeError(f"bluegreen_smoke_tests can't be read: {error}") from error
    checked = ArgumentSpecValidator(spec).validate({"tests": given})
    problems = list(checked.error_messages)
    for test in [] if problems else checked.validated_parameters["tests"]:
        why = expression_problem(test["jmespath"]) if test["jmespath"] else None
        problems += [f"jmespath is {test['jmespath']!r}: {why}"] if why else []
    if problems:
        raise SmokeError("bluegreen_smoke_tests: " + "; ".join(problems))
    return checked.validated_parameters["tests"]


class SmokeRun:
    """``tests``: the option of that name; ``bases(test)``: returns the ``(URL without a path, Host header or None)`` of
    every target of a test. Raises SmokeError."""

    def __init__(self, tests, bases):
        self.tests = parse_smoke_tests(tests)
        self._bases = bases

    def ask_all(self, retries=True):
        """Run every test against each of its bases, several at a time. Return the results in their order, see ask()."""
        asked = [(test, base, host) for test in self.tests for base, host in self._bases(test) or [(None, None)]]
        return at_once(lambda each: self.ask(*each, retries=retries), asked)

    def ask(self, test, base, host, retries):
        """Run one test against one base until it passes or has no retries left.

        Return ``service``, ``request`` (as shown, without headers and body), ``attempts``, ``status`` (None without an
        answer), ``problem`` (None if it passed) and ``answer`` (its beginning, if it did not pass).
        """
        result = {
            "service": test["service"],
            "request": "{} {}{}".format(test["method"], base or "", test["path"]),
            "attempts": 0,
            "status": None,
            "problem": "no container of that service runs",
            "answer": "",
        }
        while base and result["problem"]:
            if result["attempts"]:
                time.sleep(RETRY_AFTER)
            result.update(_once(test, base, host), attempts=result["attempts"] + 1)
            if not retries or result["attempts"] > test["retries"]:
                break
        return result


def at_once(function, items):
    """Return the results of a function for all items. Its threads don't keep the process alive, and none of them is
    left at the end, because the process may fork next (see private_root.py)."""

    def call(future, item):
        try:
            future.set_result(function(item))
        except BaseException as error:
            future.set_exception(error)

    futures = [Future() for _item in items]
    threads = [threading.Thread(target=call, args=each, daemon=True) for each in zip(futures, items)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [future.result() for future in futures]


def _once(test, base, host):
    try:
        answer = send_request(base + test["path"], PATIENCE, host, test["method"], test["headers"], test["body"])
    except (OSError, http.client.HTTPException) as error:
        why = excerpt(str(error), EXCERPT) or type(error).__name__
        return {"status": None, "problem": f"no answer: {why}", "answer": ""}
    problem = judge_answer(test, answer.status, answer.body)
    return {"status": answer.status, "problem": problem, "answer": excerpt(answer.body, EXCERPT) if problem else ""}


def replica_addresses(engine, state, params):
    """Return the bases of each replica of the color that is being deployed, from the journal."""
    unfinished = state.journal["unfinished"]
    color = unfinished["color"]
    containers = containers_of_run(engine, state.app, unfinished)

    def bases(test):
        services = tested_services(unfinished, {test["service"]})
        # Of several ports of a service, the first one counts. An app need not listen on IPv6 as well.
        places = endpoints_of(containers, services[:1], color, params["network"], params["nginx_mode"], most=1)
        return [(f"http://{place}", None) for place in places]

    return bases


def tested_services(unfinished, names):
    """Return the services of an unfinished run that tests mean by ``names``. A release that comes back may run under
    other names than today's, such as ``was-{color}`` and ``was``."""
    bases = {without_color(name) for name in names}
    return [service for service in unfinished["services"] if service["base"] in bases]


def nginx_address(edge_url, locations, otherwise):
    """Return the base by which the app's clients reach it. The path in ``edge_url``, ``{url, host}``, is ignored.

    ``locations``: of the server, from vhost_locations(), empty if unknown. A test has the bases ``otherwise`` if nginx
    sends its path to another service than it means.
    """
    parts = urlsplit(edge_url["url"])

    def bases(test):
        if locations and service_at(test["path"], locations) != test["service"]:
            return otherwise(test)
        return [(f"{parts.scheme}://{parts.netloc}", edge_url.get("host"))]

    return bases
