# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils import _nginx as nginx
from ansible_collections.hotswap.compose.plugins.module_utils import _swap
from ansible_collections.hotswap.compose.plugins.module_utils._edge import EdgeError, UnprovenReload
from ansible_collections.hotswap.compose.plugins.module_utils._state import AppState
from ansible_collections.hotswap.compose.plugins.module_utils._swap import Swap

OURS, SHARED = "bluegreen-shop.conf", "bluegreen.conf"
OLD, NEW = (1, 26, 3), (1, 30, 6)
DUPLICATE = (
    'nginx: [emerg] "keepalive_min_timeout" directive is duplicate in /etc/nginx/conf.d/shop.conf:1\n'
    "nginx: configuration file /etc/nginx/nginx.conf test failed\n"
)
UNKNOWN = 'nginx: [emerg] unknown directive "locatio" in /etc/nginx/conf.d/bank.conf:1'


# The reload by which the traffic goes over, and the one that lets nginx follow the names.
SWAP = ["write", "reload", "write", "reload"]


class StandInEdge:
    """An nginx whose conf dir is a dict. ``calls``: what changed it, or could have, in order."""

    name = "nginx"
    conf_dir = "/srv/edge/conf.d"

    def __init__(self, files=None, version=NEW, running=True):
        self.files = dict(files or {})
        self.running = running
        self.calls = []
        self.reads_conf_dir = True  # nginx includes it
        self.sees_writes = True  # the directory is mounted, not a file of it
        self.user_has_keepalive = False
        self.broken = None  # what nginx says of somebody else's file
        self.failures = []  # of its starts and reloads, one after the other; None is none
        self.lock_held = False
        self._version = version

    def version(self):
        return self._version

    def path(self, name):
        return "/etc/nginx/conf.d/" + name

    def read(self, name):
        return self.files.get(name)

    def judge(self, files):
        self.calls.append("judge")
        return self._printed(dict(self.files, **files))

    def dump(self):
        assert self.lock_held
        return self._printed(self.files if self.sees_writes else {})

    def write(self, files):
        assert self.lock_held
        self.calls.append("write")
        for name, content in files.items():
            if content is None:
                self.files.pop(name, None)
            else:
                self.files[name] = content

    def reload(self):
        assert self.lock_held
        self._load("reload")
        number = 10 * self.calls.count("reload")
        return [(number, 100)], number / 100 + 0.0234

    def start(self):
        self._load("start")
        self.running = True
        return 0.5678

    def _load(self, call):
        self.calls.append(call)
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure

    @contextlib.contextmanager
    def locked(self):
        self.lock_held = True
        yield
        self.lock_held = False

    def _printed(self, files):
        if self.broken:
            return False, self.broken
        if self.user_has_keepalive and files.get(SHARED):
            return False, DUPLICATE
        read = sorted(files.items()) if self.reads_conf_dir else []
        dump = "".join(f"# configuration file {self.path(name)}:\n{text}\n" for name, text in read if text)
        return True, "nginx: configuration file test is successful\n" + dump


def upstreams(color):
    return [{"name": "shop-was", "targets": [{"host": f"shop-{color}-was", "port": 3000}]}]


def text(color, version=NEW):
    return nginx.app_text("shop", color, "v1", "before", upstreams(color), version)


@pytest.fixture(autouse=True)
def no_settling(monkeypatch):
    monkeypatch.setattr(_swap, "SETTLE", 0)


@pytest.fixture
def state(tmp_path):
    made = AppState(str(tmp_path), "shop")
    made.create()
    made.save(unfinished={"deploy": "d2"})
    return made


def noted(state):
    """What the journal on disk has of the swap."""
    return AppState(state.directory.rpartition("/")[0], "shop").journal["unfinished"].get("swap")


def serves(edge):
    return [target["host"] for target in nginx.parse(edge.files[OURS])["shop-was"]]


def live(edge, state, color="green", check_mode=False):
    return Swap(edge, state, check_mode).live(color, "v2", upstreams(color), upstreams("blue"))


def test_the_traffic_goes_over_and_the_way_back_is_noted(state):
    edge = StandInEdge({OURS: text("blue"), SHARED: nginx.shared_text(NEW)})
    began = time.time()
    result = live(edge, state)
    assert edge.calls == ["judge", *SWAP]
    assert serves(edge) == ["shop-green-was"]
    assert noted(state) == {"from": text("blue")}
    assert state.journal["unfinished"]["deploy"] == "d2"
    assert began <= result.pop("proved_at") <= time.time()
    assert result == {
        "changed": True,
        "nginx_version": "1.30.6",
        "reload_seconds": 0.123,
        "old_workers": [(10, 100)],  # those of the reload that swapped
        "diff": {"before": text("blue"), "after": edge.files[OURS], "before_header": OURS, "after_header": OURS},
    }
    assert not edge.lock_held


def test_nginx_knows_the_addresses_as_it_loads_them_and_then_follows_the_names(state):
    edge = StandInEdge({OURS: text("blue")})
    written = []
    edge.reload = lambda: (written.append(edge.files[OURS]), 0.1)
    live(edge, state)
    at_once, settled = written
    assert "server shop-green-was:3000;\n    server shop-green-was:3000 resolve down;\n" in at_once
    assert "    server shop-green-was:3000 resolve;\n" in settled
    assert nginx.sends_the_same(at_once, settled)


def test_a_person_can_read_what_has_the_traffic(state):
    edge = StandInEdge()
    live(edge, state)
    lines = edge.files[OURS].splitlines()
    assert lines[1:3] == ["# color: green", "# release: v2"]
    assert nginx.generation(edge.files[OURS]) not in (None, "before")


def test_each_writing_has_a_generation_of_its_own(state):
    edge = StandInEdge()
    seen = set()
    for color in ("green", "blue", "green"):
        live(edge, state, color)
        seen.add(nginx.generation(edge.files[OURS]))
    assert len(seen) == 3


def test_no_reload_where_the_traffic_goes_there_already(state):
    edge = StandInEdge({OURS: text("green")})
    assert live(edge, state) == {"changed": False, "nginx_version": "1.30.6"}
    assert edge.calls == []
    assert noted(state) is None


def test_the_first_deploy_has_no_file_to_go_back_to(state):
    edge = StandInEdge()
    Swap(edge, state, False).live("blue", "v1", upstreams("blue"), [])
    assert noted(state) == {"from": None}
    assert Swap(edge, state, False).back() == {"changed": False, "nginx_version": "1.30.6"}
    assert edge.calls == ["judge", *SWAP]


def test_adoption_goes_back_to_what_ran_by_hand(state):
    edge = StandInEdge()
    live(edge, state)
    assert serves(edge) == ["shop-green-was"]
    assert Swap(edge, state, False).back()["changed"]
    assert serves(edge) == ["shop-blue-was"]


def test_nginx_is_started_where_only_our_file_was_missing(state):
    edge = StandInEdge(running=False)
    result = live(edge, state)
    assert edge.calls == ["judge", "write", "start"]
    assert (result["reload_seconds"], result["old_workers"]) == (0.568, [])


@pytest.mark.parametrize(
    "version, user_has, shared",
    [(NEW, False, nginx.shared_text(NEW)), (NEW, True, None), (OLD, False, None)],
)
def test_the_file_that_all_apps_share(version, user_has, shared, state):
    # Also where an older nginx, or a user without the directive, had it before.
    edge = StandInEdge({SHARED: nginx.shared_text(NEW)}, version=version)
    edge.user_has_keepalive = user_has
    live(edge, state)
    assert edge.files.get(SHARED) == shared
    assert edge.calls == ["judge"] * (2 if user_has else 1) + (SWAP if version == NEW else SWAP[:2])


def test_check_mode_shows_what_would_be_and_touches_nothing(state):
    before = {OURS: text("blue")}
    edge = StandInEdge(before)
    result = live(edge, state, check_mode=True)
    assert result["changed"]
    assert result["diff"]["before"] == text("blue")
    assert "shop-green-was" in result["diff"]["after"]
    assert Swap(edge, state, True).judge("green", "v2", upstreams("green")) == {
        "changed": False,
        "nginx_version": "1.30.6",
    }
    assert (edge.calls, edge.files, noted(state)) == ([], before, None)


def test_check_mode_of_going_back(state):
    edge = StandInEdge({OURS: text("blue")})
    live(edge, state)
    calls = list(edge.calls)
    assert Swap(edge, state, True).back()["changed"]
    assert edge.calls == calls


def refused(edge):
    edge.broken = f"{UNKNOWN}\nnginx: configuration file /etc/nginx/nginx.conf test failed\n"


def not_included(edge):
    edge.reads_conf_dir = False


JUDGED = [
    (refused, f"nginx refuses the new configuration, which it has not seen yet: {UNKNOWN}"),
    (
        not_included,
        "nginx does not read /etc/nginx/conf.d/bluegreen-shop.conf: its http block must include that directory",
    ),
]


@pytest.mark.parametrize("break_it, message", JUDGED)
def test_what_nginx_would_refuse_is_never_written(break_it, message, state):
    before = {OURS: text("blue")}
    edge = StandInEdge(before)
    break_it(edge)
    for act in (
        lambda: Swap(edge, state, False).judge("green", "v2", upstreams("green")),
        lambda: live(edge, state),
    ):
        with pytest.raises(EdgeError) as error:
            act()
        assert str(error.value) == message
    assert edge.files == before
    assert edge.calls == ["judge", "judge"]
    assert Swap(edge, state, False).back()["changed"] is False
    assert edge.calls == ["judge", "judge"]


def test_judging_changes_nothing(state):
    edge = StandInEdge({OURS: text("blue")})
    assert Swap(edge, state, False).judge("green", "v2", upstreams("green")) == {
        "changed": False,
        "nginx_version": "1.30.6",
    }
    assert (edge.calls, edge.files, noted(state)) == (["judge"], {OURS: text("blue")}, None)


@pytest.mark.parametrize("files", [{}, {OURS: text("blue")}, {OURS: text("blue"), SHARED: "theirs\n"}])
@pytest.mark.parametrize(
    "failure, may_still_come",
    [(EdgeError("nginx kept its old configuration"), False), (UnprovenReload("no"), True), (KeyboardInterrupt(), True)],
)
def test_a_reload_that_is_not_proven_leaves_the_files_of_before(files, failure, may_still_come, state):
    edge = StandInEdge(files)
    edge.failures = [failure]
    with pytest.raises(type(failure)):
        live(edge, state)
    assert edge.files == files
    assert edge.calls == ["judge", "write", "reload", "write"]
    assert Swap(edge, state, False).back()["changed"] is may_still_come


@pytest.mark.parametrize("failure", [EdgeError("nginx kept its old configuration"), UnprovenReload("no")])
def test_once_the_traffic_went_over_a_lost_reload_is_a_warning(failure, state):
    edge = StandInEdge({OURS: text("blue")})
    edge.failures = [None, failure]
    swap = Swap(edge, state, False)
    assert swap.live("green", "v2", upstreams("green"), upstreams("blue"))["changed"]
    assert serves(edge) == ["shop-green-was"]
    assert "resolve down" in edge.files[OURS]  # what nginx serves
    assert swap.warning.endswith(f"until the next deploy: {failure}")


def test_an_nginx_that_does_not_start_leaves_the_files_of_before(state):
    edge = StandInEdge(running=False)
    edge.failures = [EdgeError("nginx does not stay up")]
    with pytest.raises(EdgeError):
        live(edge, state)
    assert edge.files == {}


def test_a_mount_that_nginx_does_not_see_leaves_the_files_of_before(state):
    edge = StandInEdge({OURS: text("blue")})
    edge.sees_writes = False
    with pytest.raises(EdgeError) as error:
        live(edge, state)
    assert str(error.value) == (
        "nginx in nginx does not see what was written to /srv/edge/conf.d: mount the directory itself"
    )
    assert edge.files == {OURS: text("blue")}


def test_back_is_a_swap_to_what_the_journal_noted(state):
    edge = StandInEdge({OURS: text("blue")})
    live(edge, state)
    edge.calls.clear()
    result = Swap(edge, AppState(state.directory.rpartition("/")[0], "shop"), False).back()
    assert edge.calls == ["judge", *SWAP]
    assert edge.files[OURS] == text("blue")
    assert result["changed"]
    assert result["old_workers"] == [(10, 100)]  # those of the reload that swapped


@pytest.mark.parametrize("unfinished", [None, {"deploy": "d2"}])
def test_nothing_to_go_back_from(unfinished, state):
    state.save(unfinished=unfinished)
    edge = StandInEdge({OURS: text("blue")})
    assert Swap(edge, state, False).back()["changed"] is False
    assert edge.calls == []


@pytest.mark.parametrize("shared, expected", [({}, True), ({SHARED: nginx.shared_text(NEW)}, False)])
def test_the_swap_that_brings_the_directive_says_what_it_may_have_dropped(shared, expected, state):
    swap = Swap(StandInEdge({OURS: text("blue"), **shared}), state, False)
    swap.live("green", "v2", upstreams("green"), upstreams("blue"))
    assert (swap.warning is not None) is expected


@pytest.mark.parametrize("version, warns", [(NEW, False), ((1, 27, 4), False), ((1, 27, 3), True), (OLD, True)])
def test_an_nginx_that_drops_requests_is_named(version, warns, state):
    swap = Swap(StandInEdge(version=version), state, False)
    assert (swap.warning is not None) is warns
    assert not warns or "nginx {}.{}.{} drops".format(*version) in swap.warning
