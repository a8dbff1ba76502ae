# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import time
from types import SimpleNamespace

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._edge import swap as swap_module
from ansible_collections.hotswap.compose.plugins.module_utils._edge.swap import Swap, with_addresses
from ansible_collections.hotswap.compose.plugins.module_utils._errors import EdgeError, ReleaseFailed
from ansible_collections.hotswap.compose.plugins.module_utils._nginx import app_file, canary
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import AppState

OURS, SHARED = "bluegreen-shop.conf", "bluegreen.conf"
OLD, NEW = (1, 26, 3), (1, 30, 6)
UNCHANGED = {"changed": False, "nginx_version": "1.30.6"}
UNKNOWN = 'nginx: [emerg] unknown directive "locatio" in /etc/nginx/conf.d/bank.conf:1'


class StandInEdge:
    """An nginx whose conf dir is a dict. ``calls``: what changed it, or could have, in order."""

    name = "nginx"
    program = "nginx"
    conf_dir = "/srv/edge/conf.d"

    def __init__(self, files=None, version=NEW, running=True):
        self.files = dict(files or {})
        self.running = running
        self.calls = []
        self.reads_conf_dir = True  # nginx includes it
        self.included = ""  # only files whose names begin so
        self.own_files = ""  # what nginx -T prints of them
        self.lost = 0  # so many of the next judgements lack what nginx printed
        self.sees_writes = True  # the directory is mounted, not a file of it
        self.refuses_keepalive = ""
        self.answered = True  # all names, by the DNS server
        self.drained = True
        self.broken = None  # what nginx says of somebody else's file
        self.fails = None  # its next start or reload
        self.writing = False
        self._version = version

    def version(self):
        return self._version

    def path(self, name):
        return "/etc/nginx/conf.d/" + name

    def answer_log_path(self, app):
        return f"/tmp/bluegreen-{app}.log"

    def run(self, argv):
        self.calls.append(" ".join(argv))
        return True, ""

    def clients(self):
        return 7

    def read(self, name):
        return self.files.get(name)

    def judge(self, files):
        self.calls.append("judge")
        if self.lost:
            self.lost -= 1
            return True, ""
        return self._printed(dict(self.files, **files))

    def dump(self):
        ok, text = self._printed(self.files if self.sees_writes else {})
        return ok, text[max(text.find("# configuration file "), 0) :]

    def write(self, files):
        assert self.writing
        self.calls.append("write")
        for name, content in files.items():
            if content is None:
                self.files.pop(name, None)
            else:
                self.files[name] = content

    def reload(self, on_wait):
        assert self.writing  # nobody else writes until it is proven
        self._load("reload")
        return 0.1234, [(10, 100), (11, 100)]

    def drain(self, endpoints, old_workers, proved_at, timeout, on_wait):
        assert not self.writing
        assert (endpoints, old_workers, timeout) == (["10.0.0.9:3000"], [(10, 100), (11, 100)], 30)
        self.calls.append("drain")
        return self.drained, 0 if self.drained else 2, 0.5

    def start(self, on_wait):
        self._load("start")
        self.running = True
        return 0.5678

    @contextlib.contextmanager
    def turn(self, on_wait):
        assert not self.writing
        self.writing = True
        try:
            yield
        finally:
            self.writing = False

    def _load(self, call):
        self.calls.append(call)
        failure, self.fails = self.fails, None
        if isinstance(failure, BaseException):
            raise failure

    def _printed(self, files):
        if self.broken:
            return False, self.broken
        if self.refuses_keepalive and files.get(SHARED):
            return False, f"nginx: [emerg] {self.refuses_keepalive} in /etc/nginx/conf.d/{SHARED}:3"
        if not self.answered and any("resolve down" in text for text in files.values() if text):
            return False, "nginx: [emerg] host not found in upstream"
        read = [each for each in sorted(files.items()) if self.reads_conf_dir and each[0].startswith(self.included)]
        dump = "".join(f"# configuration file {self.path(name)}:\n{text}\n" for name, text in read if text)
        return True, "nginx: configuration file test is successful\n" + self.own_files + dump


def content(color, down=None):
    """What the plan makes of a color; ``down``: one that nginx is to get to know."""
    targets = [{"host": f"shop-{color}-was", "port": 3000}]
    if down:
        targets.append({"host": f"shop-{down}-was", "port": 3000, "down": True})
    return app_file.app_text("shop", color, "v1", [{"name": "shop-was", "targets": targets}], None)


def on_disk(color):
    return app_file.with_marks(content(color), generation="before")


@pytest.fixture(autouse=True)
def drain(monkeypatch):
    monkeypatch.setattr(swap_module, "wait_until_drained", lambda edge, *arguments: edge.drain(*arguments))


@pytest.fixture
def state(tmp_path):
    made = AppState(str(tmp_path), "shop")
    made.create()
    made.save(unfinished={"kept": "d2"}, proved="before")
    return made


def noted(state):
    """What the journal on disk has of the swap."""
    return AppState(state.directory.rpartition("/")[0], "shop").journal["unfinished"].get("swap")


def serves(edge):
    return app_file.without_generation(edge.files[OURS])


def swap_of(edge, state, check_mode=False, edge_url=None, answer_log=""):
    return Swap(edge, state, edge_url or {}, check_mode, answer_log)


def live(edge, state, color="green", previous="blue", **options):
    return swap_of(edge, state, **options).live(content(color), content(previous) if previous else "", [])


def back(edge, state, **options):
    return swap_of(edge, state, **options).back(["10.0.0.9:3000"], 30)


def test_the_traffic_goes_over_and_the_way_back_is_noted(state):
    edge = StandInEdge({OURS: on_disk("blue"), SHARED: app_file.shared_text(NEW)})
    began, began_at = time.monotonic(), time.time()
    result = live(edge, state)
    assert edge.calls == ["judge", "write", "reload"]
    assert serves(edge) == content("green")
    assert noted(state) == {"from": on_disk("blue")}
    assert state.journal["unfinished"]["kept"] == "d2"
    assert began <= result.pop("proved_at") <= time.monotonic()
    assert began_at <= result.pop("swapped_at") <= time.time()
    assert result == {
        "changed": True,
        "nginx_version": "1.30.6",
        "reload_seconds": 0.123,
        "old_workers": [(10, 100), (11, 100)],
        "diff": {
            "before": on_disk("blue"),
            "after": content("green"),
            "before_header": OURS,
            "after_header": OURS,
        },
    }


def test_each_writing_has_a_generation_of_its_own(state):
    edge = StandInEdge()
    seen = {None}
    for color in ("green", "blue", "green"):
        live(edge, state, color)
        seen.add(app_file.generation_of(edge.files[OURS]))
    assert len(seen) == 4


def test_no_reload_where_the_file_says_so_already(state):
    edge = StandInEdge({OURS: on_disk("green")})
    assert live(edge, state) == UNCHANGED
    assert (edge.calls, noted(state)) == ([], None)


def test_a_file_that_nginx_was_never_seen_to_load_is_made_sure_of(state):
    state.save(proved="another")
    edge = StandInEdge({OURS: on_disk("green")})
    assert live(edge, state)["changed"]
    assert edge.calls == ["judge", "write", "reload"]
    assert state.has_proved(app_file.generation_of(edge.files[OURS]))
    assert live(edge, state) == UNCHANGED


def test_what_is_on_disk_is_made_sure_of(state):
    edge = StandInEdge(
        {OURS: app_file.with_marks(content("green"), generation="killed", addresses=["10.0.0.2"])}, version=OLD
    )
    assert swap_of(edge, state).make_sure(["10.0.0.3"])["changed"]
    assert edge.files[OURS].startswith(app_file.with_marks(content("green"), addresses=["10.0.0.3"]))
    assert not swap_of(edge, state).make_sure(["10.0.0.3"])["changed"]


def test_nothing_is_proven_after_a_failed_reload(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    edge.fails = EdgeError("refused")
    with pytest.raises(EdgeError):
        live(edge, state)
    assert not state.has_proved(app_file.generation_of(edge.files[OURS]))


def test_an_address_that_only_a_reload_makes_known(state):
    edge = StandInEdge(version=OLD)
    for addresses, changed in ((["10.0.0.2"], True), (["10.0.0.2"], False), (["10.0.0.3"], True)):
        assert swap_of(edge, state).live(content("green"), "", addresses)["changed"] is changed
    assert edge.calls == ["judge", "write", "reload"] * 2


def test_nginx_gets_to_know_the_new_names_before_the_swap(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    assert swap_of(edge, state).judge(content("green"), content("blue", down="green"), "")["changed"]
    assert edge.calls == ["judge", "judge", "write", "reload"]
    assert parse_upstreams(edge.files[OURS]) == parse_upstreams(content("blue"))
    live(edge, state)
    assert serves(edge) == content("green")
    assert noted(state) == {"from": on_disk("blue")}
    back(edge, state)
    assert serves(edge) == content("blue")


def test_judging_alone_changes_nothing(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    assert swap_of(edge, state).judge(content("green"), "", "") == UNCHANGED
    assert (edge.calls, edge.files, noted(state)) == (["judge"], {OURS: on_disk("blue")}, None)


def test_the_first_deploy_has_no_file_to_go_back_to(state):
    edge = StandInEdge()
    live(edge, state, "blue", previous=None)
    assert not noted(state)["from"]
    assert back(edge, state) == UNCHANGED
    assert edge.calls == ["judge", "write", "reload"]


def test_adoption_goes_back_to_what_ran_by_hand(state):
    edge = StandInEdge()
    live(edge, state)
    assert back(edge, state)["changed"]
    assert serves(edge) == content("blue")


def test_nginx_is_started_where_only_our_file_was_missing(state):
    edge = StandInEdge(running=False)
    result = live(edge, state)
    assert edge.calls == ["judge", "write", "start"]
    assert (result["reload_seconds"], result["old_workers"]) == (0.568, [])


@pytest.mark.parametrize(
    "version, refused, shared",
    [
        (NEW, "", app_file.shared_text(NEW)),
        (NEW, '"keepalive_min_timeout" directive is duplicate', None),
        (NEW, 'unknown directive "keepalive_min_timeout"', None),  # Angie
        (OLD, "", None),
    ],
)
def test_the_file_that_all_apps_share(version, refused, shared, state):
    # Also where an older nginx, or a user without the directive, had it before.
    edge = StandInEdge({SHARED: app_file.shared_text(NEW)}, version=version)
    edge.refuses_keepalive = refused
    live(edge, state)
    assert edge.files.get(SHARED) == shared
    assert edge.calls == ["judge"] * (2 if refused else 1) + ["write", "reload"]


def test_check_mode_shows_what_would_be_and_touches_nothing(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    result = live(edge, state, check_mode=True)
    assert result["changed"]
    assert (result["diff"]["before"], result["diff"]["after"]) == (on_disk("blue"), content("green"))
    swap = swap_of(edge, state, check_mode=True)
    assert swap.judge(content("green"), content("blue", down="green"), "") == UNCHANGED
    assert (edge.calls, edge.files, noted(state)) == ([], {OURS: on_disk("blue")}, None)


def test_check_mode_of_going_back(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    live(edge, state)
    calls = list(edge.calls)
    assert back(edge, state, check_mode=True)["changed"]
    assert edge.calls == calls


def test_an_answer_log_lasts_from_the_judgement_to_the_end_of_the_bake(state):
    edge = StandInEdge({OURS: on_disk("blue"), SHARED: app_file.shared_text(NEW)})
    log = "/tmp/bluegreen-shop.log"
    swap_of(edge, state, answer_log="d2").judge(content("green"), content("blue", down="green"), "")
    assert f"access_log {log}" in edge.files[OURS] and "'d2 blue $status" in edge.files[OURS]
    assert app_file.without_sections(serves(edge)) == content("blue", down="green")
    live(edge, state, answer_log="d2")
    assert "'d2 green $status" in edge.files[OURS]
    assert noted(state) == {"from": on_disk("blue")}
    assert f"rm -f {log}" not in edge.calls
    assert swap_of(edge, state).settle()["changed"]
    assert serves(edge) == content("green")
    assert edge.calls[-2:] == ["reload", f"rm -f {log}"]
    assert not swap_of(edge, state).settle()["changed"]


def test_an_answer_log_without_an_introduction_begins_with_what_is_live(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    swap_of(edge, state, answer_log="d2").judge(content("green"), "", content("blue"))
    assert app_file.without_sections(serves(edge)) == content("blue") and "'d2 blue $status" in edge.files[OURS]
    assert back(edge, state)["changed"]
    assert serves(edge) == content("blue")
    assert edge.calls[-1] == "rm -f /tmp/bluegreen-shop.log"


def test_an_old_nginx_keeps_no_answer_log(state):
    edge = StandInEdge({OURS: on_disk("blue")}, version=OLD)
    assert not swap_of(edge, state, answer_log="d2").judge(content("green"), "", content("blue"))["changed"]
    live(edge, state, answer_log="d2")
    assert serves(edge) == content("green")


def test_an_nginx_that_logs_nothing_keeps_no_answer_log(state):
    edge = StandInEdge({OURS: on_disk("blue"), "site.conf": "access_log off;\n"})
    assert not swap_of(edge, state, answer_log="d2").judge(content("green"), "", content("blue"))["changed"]
    live(edge, state, answer_log="d2")
    assert serves(edge) == content("green")


@pytest.mark.parametrize("site, kept", [("server {\n}\n", True), ("access_log /var/log/a.log;\n", False)])
def test_an_answer_log_keeps_the_default_log(state, site, kept):
    """nginx drops it where any access log is set, ours of the step before left aside."""
    edge = StandInEdge({OURS: on_disk("blue"), "site.conf": site})
    swap_of(edge, state, answer_log="d2").judge(content("green"), content("blue", down="green"), "")
    live(edge, state, answer_log="d2")
    assert ("access_log logs/access.log combined;" in edge.files[OURS]) is kept
    assert swap_of(edge, state).settle()["changed"]
    assert serves(edge) == content("green")


def test_a_killed_run_s_answer_log_ends_when_the_file_is_made_sure_of(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    live(edge, state, answer_log="d2")
    assert swap_of(edge, state).make_sure([])["changed"]
    assert serves(edge) == content("green")


def refused(edge):
    edge.broken = f"{UNKNOWN}\nnginx: configuration file /etc/nginx/nginx.conf test failed\n"


def not_included(edge):
    edge.reads_conf_dir = False


@pytest.mark.parametrize(
    "break_it, message",
    [
        (refused, f"nginx rejects the new configuration in a test, and has not loaded it: {UNKNOWN}"),
        (
            not_included,
            "nginx does not read /etc/nginx/conf.d/bluegreen-shop.conf; include that directory in its http block "
            "(it reads nothing)",
        ),
    ],
)
def test_what_nginx_would_refuse_is_never_written(break_it, message, state):
    edge = StandInEdge({OURS: on_disk("blue")})
    break_it(edge)
    for act in (lambda: swap_of(edge, state).judge(content("green"), "", ""), lambda: live(edge, state)):
        with pytest.raises(EdgeError) as error:
            act()
        assert str(error.value) == message
    assert edge.files == {OURS: on_disk("blue")}
    assert back(edge, state) == UNCHANGED
    assert set(edge.calls) == {"judge"}


def test_what_was_lost_of_a_judgement_is_asked_again(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    edge.lost = 1
    swap_of(edge, state).judge(content("green"), "", "")
    assert edge.calls == ["judge", "judge"]


def test_a_mount_that_nginx_does_not_see_leaves_the_files_of_before(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    edge.sees_writes = False
    with pytest.raises(EdgeError) as error:
        live(edge, state)
    assert str(error.value) == (
        "nginx in nginx does not see the files written to /srv/edge/conf.d; mount the directory itself"
    )
    assert edge.files == {OURS: on_disk("blue")}


@pytest.mark.parametrize("files", [{}, {OURS: on_disk("blue")}])
@pytest.mark.parametrize("failure", [EdgeError("refused"), KeyboardInterrupt()])
def test_a_reload_that_is_not_proven_leaves_the_file_of_before(files, failure, state):
    edge = StandInEdge(files)
    edge.fails = failure
    with pytest.raises(type(failure)):
        live(edge, state, previous="blue" if files else None)
    assert edge.files.get(OURS) == files.get(OURS)
    assert edge.calls == ["judge", "write", "reload", "write"]
    assert back(edge, state)["changed"] is bool(files)


def test_a_swap_that_is_not_proven_after_the_names_were_made_known_can_still_be_put_back(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    swap_of(edge, state).judge(content("green"), content("blue", down="green"), "")
    introduced = edge.files[OURS]
    edge.fails = EdgeError("no new worker")
    with pytest.raises(EdgeError):
        live(edge, state)
    assert edge.files[OURS] == introduced  # what nginx served last for sure
    assert noted(state) == {"from": on_disk("blue")}
    assert back(edge, state)["changed"]
    assert serves(edge) == content("blue")


@pytest.mark.parametrize("files", [{OURS: on_disk("blue")}, {}])
def test_names_that_could_not_be_made_known(files, state):
    edge = StandInEdge(files)
    edge.fails = EdgeError("refused")
    with pytest.raises(EdgeError):
        swap_of(edge, state).judge(content("green"), content("blue", down="green"), content("blue"))
    assert edge.files.get(OURS) == files.get(OURS)
    edge.calls.clear()
    assert back(edge, state)["changed"]
    assert edge.calls == ["judge", "write", "reload", "drain"]


def test_adoption_goes_back_from_where_the_names_were_made_known(state):
    edge = StandInEdge()
    swap_of(edge, state).judge(content("green"), content("blue", down="green"), content("blue"))
    assert noted(state) == {"from": content("blue")}
    back(edge, state)
    assert serves(edge) == content("blue")


def test_the_way_back_is_what_was_there_before_this_deploy(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    live(edge, state)
    live(edge, state, "blue", previous="green")
    assert noted(state) == {"from": on_disk("blue")}


def test_an_nginx_that_does_not_start_leaves_no_file(state):
    edge = StandInEdge(running=False)
    edge.fails = EdgeError("nginx in nginx starts but does not stay up")
    with pytest.raises(EdgeError):
        live(edge, state, previous=None)
    assert OURS not in edge.files


@pytest.mark.parametrize("answers", [True, False])
def test_an_answer_through_nginx_is_part_of_the_proof(answers, state, monkeypatch):
    asked = []

    def wait_for_answer(url, host):
        asked.append((url, host))
        if not answers:
            raise EdgeError("the app did not answer through nginx")

    monkeypatch.setattr(swap_module, "wait_for_answer", wait_for_answer)
    edge = StandInEdge({OURS: on_disk("blue")})
    with contextlib.nullcontext() if answers else pytest.raises(EdgeError):
        live(edge, state, edge_url={"url": "http://127.0.0.1", "host": "shop.example"})
    assert asked == [("http://127.0.0.1", "shop.example")]
    assert serves(edge) == content("green" if answers else "blue")


@pytest.mark.parametrize("drained", [True, False])
def test_back_puts_back_what_the_journal_noted_and_lets_the_other_color_finish(drained, state):
    edge = StandInEdge({OURS: on_disk("blue")})
    live(edge, state)
    edge.calls.clear()
    edge.drained = drained
    again = AppState(state.directory.rpartition("/")[0], "shop")
    result = back(edge, again)
    assert edge.calls == ["judge", "write", "reload", "drain"]
    assert serves(edge) == content("blue")
    assert (result["changed"], result["drained"], result["connections"]) == (True, drained, 0 if drained else 2)


def test_traffic_that_never_left_is_not_waited_for(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    swap_of(edge, state).judge(content("green"), content("blue", down="green"), "")
    edge.calls.clear()
    assert "drained" not in back(edge, state)
    assert edge.calls == ["judge", "write", "reload"]


@pytest.mark.parametrize("answered, reloads", [(True, 2), (False, 1)])
def test_names_that_nginx_follows_are_looked_up_when_the_traffic_comes_back(answered, reloads, state, monkeypatch):
    monkeypatch.setattr(swap_module, "LOOK_UP", 0.01)
    followed = content("blue").replace(":3000;", ":3000 resolve;")
    edge = StandInEdge({OURS: app_file.with_marks(followed, generation="before")})
    live(edge, state)
    edge.calls.clear()
    edge.answered = answered
    loaded = []
    edge.reload = lambda _on_wait: loaded.append(serves(edge)) or (0.1, [(10, 100), (11, 100)])
    back(edge, state)
    assert loaded == [app_file.resolved_at_load(followed), followed][-reloads:]
    assert edge.calls == (["judge"] * 2 + ["write", "drain"] + ["judge", "write"] * (reloads - 1))
    assert state.has_proved(app_file.generation_of(edge.files[OURS]))


def test_names_that_nginx_was_not_told_are_looked_up_when_the_traffic_comes_at_once(state, monkeypatch):
    monkeypatch.setattr(swap_module, "LOOK_UP", 0.01)
    followed = content("green").replace(":3000;", ":3000 resolve;")
    edge = StandInEdge({OURS: on_disk("blue")})
    loaded = []
    edge.reload = lambda _on_wait: loaded.append(serves(edge)) or (0.1, [(10, 100), (11, 100)])
    assert swap_of(edge, state).live(followed, content("blue"), [], at_once=True)["changed"]
    assert loaded == [app_file.resolved_at_load(followed), followed]
    assert noted(state) == {"from": on_disk("blue")}
    assert state.has_proved(app_file.generation_of(edge.files[OURS]))


def test_a_reload_that_fails_on_the_way_back_leaves_what_nginx_serves(state):
    edge = StandInEdge({OURS: on_disk("blue")})
    live(edge, state)
    edge.fails = EdgeError("refused")
    with pytest.raises(EdgeError):
        back(edge, state)
    assert serves(edge) == content("green")
    assert noted(state) == {"from": on_disk("blue")}
    back(edge, state)
    assert serves(edge) == content("blue")


@pytest.mark.parametrize("unfinished", [None, {"kept": "d2"}, {"kept": "d2", "swap": {"from": None}}])
def test_nothing_to_go_back_from(unfinished, state):
    state.save(unfinished=unfinished)
    edge = StandInEdge({OURS: on_disk("blue")})
    assert back(edge, state) == UNCHANGED
    assert edge.calls == []


@pytest.mark.parametrize(
    "shared, previous, warns",
    [({}, "blue", True), ({SHARED: app_file.shared_text(NEW)}, "blue", False), ({}, None, False)],
)
def test_the_reload_that_brings_the_directive_says_what_it_may_have_dropped(shared, previous, warns, state):
    swap = swap_of(StandInEdge({OURS: on_disk("blue"), **shared}), state)
    swap.live(content("green"), content(previous) if previous else "", [])
    assert (swap.warning is not None) is warns


@pytest.mark.parametrize(
    "included, own, version, unread",
    [
        ("bluegreen-", "", NEW, True),
        ("bluegreen-", "    # keepalive_min_timeout 1s;\n", NEW, True),
        ("bluegreen-", "    keepalive_min_timeout 1s;\n", NEW, False),
        ("bluegreen", "", NEW, False),
        ("bluegreen-", "", OLD, False),  # which has no such directive
    ],
)
def test_an_include_without_the_shared_file_is_told(included, own, version, unread, state):
    edge = StandInEdge({OURS: on_disk("blue")}, version)
    edge.included, edge.own_files = included, own
    swap = swap_of(edge, state)
    swap.judge(content("green"), "", "")
    assert swap.unread is unread
    if unread:
        assert swap.warning.startswith("nginx does not read /etc/nginx/conf.d/bluegreen.conf, so")
        assert swap.warning.endswith("include /etc/nginx/conf.d/*.conf in the http block")


@pytest.mark.parametrize("version, warns", [(NEW, False), ((1, 27, 4), False), ((1, 27, 3), True), (OLD, True)])
def test_an_nginx_that_drops_requests_is_named(version, warns, state):
    swap = swap_of(StandInEdge(version=version), state)
    assert (swap.warning is not None) is warns
    assert not warns or swap.warning.startswith("nginx {}.{}.{} closes".format(*version))
    assert not warns or "(7 are open now)" in swap.warning


@pytest.mark.parametrize("version, by_address", [(OLD, True), (NEW, False)])
def test_a_canary_over_both_families(version, by_address, monkeypatch):
    def container(color, *addresses):
        return {"service": f"was-{color}", "networks": {"edge": {"addresses": list(addresses)}}}

    blue, green = container("blue", "10.0.0.2", "[fd00::2]"), container("green", "10.0.0.3", "[fd00::3]")
    monkeypatch.setattr(swap_module, "containers_by_id", lambda *_arguments: [blue])
    monkeypatch.setattr(swap_module, "containers_of_run", lambda *_arguments: [green])
    services = [{"name": "was-{color}", "base": "was", "port": 3000, "upstream": "shop-was"}]
    state = SimpleNamespace(app="shop", unfinished={"color": "green", "previous": ["blue-id"], "services": services})
    named = {color: [{"host": f"shop-{color}-was", "port": 3000}] for color in ("blue", "green")}
    upstreams = [{"name": "shop-was", "targets": named["green"], "active_targets": named["blue"]}]
    swap = SimpleNamespace(state=state, version=version)
    (upstream,) = with_addresses(None, swap, upstreams, "edge", "container")
    by_addresses = [{"host": host, "port": 3000} for host in ("10.0.0.3", "[fd00::3]")]
    assert upstream["addresses"] == [2, 2]
    assert upstream["targets"] == (by_addresses if by_address else named["green"])
    text = canary.with_canary(content("blue"), 10, [upstream], None)
    assert [target["weight"] for target in parse_upstreams(text)["shop-was"]] == [9] + [1] * len(upstream["targets"])
    assert app_file.without_sections(text) == content("blue")


# What is looked at directly before nginx's file is replaced


@pytest.mark.parametrize("way", ["live", "unsettle"])
def test_look_that_fails_leaves_nginx_and_the_journal_alone(state, way):
    edge = StandInEdge({OURS: on_disk("blue")})
    swap = swap_of(edge, state)

    def look():
        assert edge.calls == ["judge"]  # as late as can be
        raise ReleaseFailed("was-1 exited with 5", [])

    with pytest.raises(ReleaseFailed):
        if way == "live":
            swap.live(content("green"), content("blue"), [], before_rename=look)
        else:
            swap.unsettle(content("blue"), [], lambda text, _here: text, look)
    assert edge.calls == ["judge"]
    assert (edge.files[OURS], noted(state), state.journal["proved"]) == (on_disk("blue"), None, "before")


def test_nothing_is_looked_at_where_nothing_is_replaced(state):
    edge = StandInEdge({OURS: on_disk("green")})
    assert swap_of(edge, state).live(content("green"), "", [], before_rename=lambda: 1 / 0) == UNCHANGED
