# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError
from ansible_collections.hotswap.compose.plugins.module_utils._health import watch
from ansible_collections.hotswap.compose.plugins.module_utils._health.watch import AnswerLogWatch
from ansible_collections.hotswap.compose.plugins.module_utils._nginx import answer_log, app_file
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.answer_log import Answers
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams

PATH = "/dev/shm/bluegreen-my-shop.log"
GREEN = ["172.20.0.5:3000", "172.20.0.6:3000", "[fd00::5]:3000"]


def file():
    targets = [{"host": "my-shop-blue-was", "port": 3000}]
    upstreams = [{"name": name, "targets": targets} for name in ("my-shop-was", "my.shop")]
    return app_file.app_text("my-shop", "blue", "v1", upstreams, "127.0.0.11", "server {\n}\n")


def test_section():
    assert answer_log.with_answer_log(file(), "my-shop", "d1", PATH) == file() + (
        "# tally\n"
        "map $proxy_host $bluegreen_my_shop_tallied {\n"
        "    default 0;\n"
        '    "~^(?:my\\-shop\\-was|my\\.shop)$" 1;\n'
        "}\n"
        "log_format bluegreen_my_shop 'd1 blue $status $upstream_addr';\n"
        "access_log /dev/shm/bluegreen-my-shop.log bluegreen_my_shop if=$bluegreen_my_shop_tallied;\n"
        "# end of tally\n"
    )


def test_what_is_begun_is_ended():
    for text in (file(), app_file.with_marks(file(), generation="c0ffee", addresses=["10.0.0.1:3000"])):
        begun = answer_log.with_answer_log(text, "my-shop", "d1", PATH)
        assert (answer_log.has_answer_log(text), answer_log.has_answer_log(begun)) == (False, True)
        assert answer_log.without_answer_log(begun) == app_file.without_sections(begun) == text
        assert parse_upstreams(begun) == parse_upstreams(text)
        assert not app_file.reaches_idle(begun)
    assert answer_log.without_answer_log(None) is None


@pytest.mark.parametrize(
    "line, new, old",
    [
        ("d1 blue 200 172.20.0.4:3000", (0, 0), (1, 0)),
        ("d1 blue 502 172.20.0.4:3000", (0, 0), (1, 1)),
        ("d1 green 200 172.20.0.5:3000", (1, 0), (0, 0)),
        ("d1 green 500 172.20.0.6:3000", (1, 1), (0, 0)),
        ("d1 green 499 172.20.0.6:3000", (1, 0), (0, 0)),
        ("d1 blue 503 172.20.0.6:3000", (1, 1), (0, 0)),  # by a canary
        ("d1 green 502 172.20.0.5:3000, 172.20.0.6:3000", (1, 1), (0, 0)),
        ("d1 blue 200 172.20.0.6:3000, 172.20.0.4:3000", (0, 0), (1, 0)),
        ("d1 green 200 [fd00::5]:3000", (1, 0), (0, 0)),
        ("d1 green 502 [fd00::5]:3000, [fd00::4]:3000", (0, 0), (1, 1)),
        ("d1 green 502 shop-was", (1, 1), (0, 0)),  # no address was left to try
        ("d1 blue 502 shop-was", (0, 0), (1, 1)),
        ("d1 green 504 -", (1, 1), (0, 0)),
        ("d0 green 500 172.20.0.5:3000", (0, 0), (0, 0)),
        ("d1 green", (0, 0), (0, 0)),
        ("tail: can't open '/dev/shm/bluegreen-shop.log'", (0, 0), (0, 0)),
        ("", (0, 0), (0, 0)),
    ],
)
def test_whose_answer_a_line_tells_of(line, new, old):
    assert answer_log.count_answers([line], "d1", "green", GREEN) == (new, old)


@pytest.mark.parametrize(
    "new, old, ratio, found",
    [
        ((100, 20), (500, 0), 2, True),
        ((20, 4), (200, 0), 2, True),
        ((100, 2), (1000, 0), 2, False),  # may be chance
        ((1000, 40), (1000, 19), 2, False),
        ((1000, 70), (1000, 19), 2, True),
        ((1000, 70), (1000, 19), 4, False),
        ((10000, 10000), (0, 0), 2, False),  # nothing to compare with
        ((50, 50), (1, 0), 2, False),
        ((0, 0), (1000, 0), 2, False),
        ((1000, 500), (1000, 500), 1, False),
        ((1000, 600), (1000, 500), 1, True),
    ],
)
def test_what_is_too_often(new, old, ratio, found):
    assert bool(answer_log.error_objection(Answers(*new), Answers(*old), ratio)) == found


def test_what_is_said():
    assert answer_log.error_objection(Answers(60, 12), Answers(412, 1), 2.0) == (
        "its 5xx answers were 12 of 60 (20.0 %), the previous release's 1 of 412 (0.2 %): more than 2 "
        "times as many (bluegreen_bake_error_ratio)"
    )


class StandInEdge:
    """``text``: what nginx has logged since the log was emptied; ``broken``: why it can't be read."""

    def __init__(self, text):
        self.text = text
        self.broken = None

    def take_answers(self, app):
        if self.broken:
            raise EdgeError(self.broken)
        taken, self.text = self.text, ""
        return taken


def watch_of(edge, **more):
    return AnswerLogWatch(edge, "my-shop", "d1", "green", GREEN, 2, **more)


OLD_LINE, NEW_LINE = "d1 blue 200 172.20.0.4:3000\n", "d1 green 500 172.20.0.5:3000\n"


def test_each_line_is_counted_once():
    edge = StandInEdge(OLD_LINE * 200)
    baker = watch_of(edge)
    baker.ask()
    assert baker.objection() is None
    assert baker.counted() == (0, 0)
    edge.text = NEW_LINE * 20
    baker.ask()
    baker.ask()
    assert (baker.new, baker.old) == ((20, 20), (200, 0))
    assert baker.counted() == (20, 20)
    assert "20 of 20" in baker.objection()


def test_a_watch_goes_on_from_the_one_before():
    edge = StandInEdge(OLD_LINE * 200)
    canary = watch_of(edge)
    canary.ask()
    edge.text = NEW_LINE * 20
    bake = watch_of(edge, before=(canary.new, canary.old))
    bake.ask()
    assert (bake.new, bake.old) == ((20, 20), (200, 0))
    assert bake.objection()


def test_a_log_that_cannot_be_read_for_a_while(monkeypatch):
    edge = StandInEdge("")
    baker = watch_of(edge)
    edge.broken = "nginx went away"
    baker.ask()
    edge.broken = None
    edge.text = NEW_LINE
    baker.ask()
    assert baker.new == (1, 1)
    edge.broken = "nginx went away"
    monkeypatch.setattr(watch, "SILENCE", -1)
    with pytest.raises(EdgeError, match="went away"):
        baker.ask()


def watched(edge, **more):
    """A watch that has ended."""
    baker = watch_of(edge, **more)
    with baker:
        time.sleep(0.05)
        baker.finish()
    return baker.objection()


@pytest.mark.parametrize(
    "broken, text, answered, why",
    [
        (None, OLD_LINE, True, None),
        (None, OLD_LINE, None, None),
        (None, "\n", False, None),  # nobody asks, and nobody knows whether nginx answers
        (None, "\n", None, None),
        (None, "\nd0 green 200 172.20.0.5:3000\n", True, "nginx answered a request but did not log it"),
        ("sh: 1: echo: echo: I/O error", OLD_LINE, True, "sh: 1: echo: echo: I/O error"),
    ],
)
def test_what_cannot_be_judged_is_not_good(broken, text, answered, why):
    edge = StandInEdge(text)
    edge.broken = broken
    about = "nginx's log of the app's answers could not be checked: "
    found = watched(edge, send=None if answered is None else lambda: answered)
    assert found == (f"{about}{why}; set bluegreen_bake_error_ratio: 0 to turn this check off" if why else None)


@pytest.mark.parametrize(
    "logs, off", [([], False), ([["/a", "main"]], False), ([["off"]], True), ([["/a"], ["off"]], True)]
)
def test_log_that_is_off(logs, off):
    assert answer_log.is_log_off(logs) is off


@pytest.mark.parametrize(
    "built, path",
    [
        (
            "nginx version: nginx/1.30.0\nconfigure arguments: --a=b --http-log-path=/var/log/x.log --c",
            "/var/log/x.log",
        ),
        ("configure arguments:", "logs/access.log"),
    ],
)
def test_log_of_an_nginx_without_one(built, path):
    assert answer_log.built_in_log(built) == path
    text = answer_log.with_answer_log(file(), "my-shop", "d1", PATH, path)
    assert f"access_log {path} combined;\n# end of tally\n" in text
    assert answer_log.without_answer_log(text) == file()
