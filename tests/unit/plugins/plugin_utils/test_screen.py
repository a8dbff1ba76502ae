# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each screen, and each result that Ansible shows, filled with what a hostile app says."""

from __future__ import annotations

import html
import json
import pathlib
import re
from types import SimpleNamespace

import pytest
from ansible.errors import AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.hotswap.compose.plugins.action import bluegreen_report
from ansible_collections.hotswap.compose.plugins.action.bluegreen_fail import ActionModule as Fail
from ansible_collections.hotswap.compose.plugins.action.bluegreen_failed_task import ActionModule as FailedTask
from ansible_collections.hotswap.compose.plugins.action.bluegreen_plan import ActionModule as Plan
from ansible_collections.hotswap.compose.plugins.action.bluegreen_report import ActionModule as Report
from ansible_collections.hotswap.compose.plugins.action.bluegreen_show import ActionModule as Show
from ansible_collections.hotswap.compose.plugins.module_utils._state.status import history_text, status_text
from ansible_collections.hotswap.compose.plugins.module_utils._text import LONGEST
from ansible_collections.hotswap.compose.plugins.plugin_utils import _screen
from ansible_collections.hotswap.compose.plugins.plugin_utils._action import ROLE, Action, FollowedAction
from ansible_collections.hotswap.compose.plugins.plugin_utils._screen import sanitize
from ansible_collections.hotswap.compose.plugins.plugin_utils._task_failure import TaskFailed
from ansible_collections.hotswap.compose.tests.e2e.app import hostile

PLUGINS = pathlib.Path(_screen.__file__).parents[1]
ANYWHERE = {"inventory_hostname": "web1", "ansible_play_hosts_all": ["web1"]}
EVIL = hostile.TEXT

CONTAINER = {
    "name": EVIL,
    "id": "c0ffee",
    "service": EVIL,
    "image": EVIL,
    "state": "exited",
    "health": None,
    "exit_code": 3,
    "oom_killed": False,
    "restarts": 0,
    "release": EVIL,
    "verdict": "failed",
    "reason": EVIL,
    "timeline": [{"at": 0, "state": EVIL}],
    "probes": [{"start": "", "exit_code": 1, "output": EVIL}],
    "log": EVIL.splitlines(),
}
BY = {"user": EVIL, "controller": EVIL, "job": EVIL}
RUN = {
    "at": "2026-01-31T23:59:59Z",
    "kind": "deploy",
    "outcome": "rejected",
    "release": EVIL,
    "color": "green",
    "phases": {EVIL: 1.0},
    "by": BY,
    "reason": EVIL,
}
STATUS = {
    "app": "shop",
    "active_color": "blue",
    "release": EVIL,
    "since": None,
    "awaiting_promotion": EVIL,
    "unfinished": False,
    "lock": {**BY, "kind": "deploy", "release": EVIL, "since": "2026-01-31T23:59:59Z", "age": 1.0},
    "last_run": RUN,
    "journal": EVIL,
    "colors": {"blue": [CONTAINER], "green": []},
    "shared": {EVIL: [CONTAINER]},
}
PLAN = {
    "release": EVIL,
    "previous_release": EVIL,
    "color": "green",
    "active_color": "blue",
    "how": "create",
    "exclusive": [],
    "steps": ["start", "gate", "swap", "drain", "retire", "record"],
    "builds": [],
    "pulled_images": {},
    "outcome": "deployed",
    "can_go_back": True,
}
SETTINGS = {"app": "shop", "retire": "stop", "canary_steps": []}


def stamped(phase, began, **result):
    return dict(result, stamp={"run": "r1", "phase": phase, "began": began, "ended": began + 1})


IMAGES = {EVIL: {"ref": EVIL, "id": EVIL, "digest": None}}
WENT_WELL = {
    "__bluegreen_kind": "deploy",
    "__bluegreen_validated": {"run_id": "r1", "settings": SETTINGS},
    "__bluegreen_planned": stamped("detect", 1769904000.0, plan=PLAN, clock_ahead=0.0),
    "__bluegreen_started": stamped(
        "gate", 1769904001.0, gate={"elapsed": 1.0, "containers": [CONTAINER]}, warnings=[EVIL]
    ),
    "__bluegreen_finished": stamped(
        "drain", 1769904002.0, phases={"drain": 1.0}, retired=True, run={"images": IMAGES}, left_undone=[EVIL]
    ),
}
WENT_WRONG = {
    **WENT_WELL,
    "__bluegreen_finished": {},
    "__bluegreen_failure": {
        "stamp": {"run": "r1"},
        "phase": "gate",
        "hook": "",
        "why": EVIL,
        "module": "x",
        "evidence": {"containers": [CONTAINER]},
    },
    "__bluegreen_undone": stamped(
        *("undo", 1769904003.0),
        kept_traffic=False,
        put_back_error=EVIL,
        removed_containers=[EVIL],
        removed_images=[EVIL],
        left_undone=[EVIL],
    ),
}


@pytest.fixture
def shown(monkeypatch):
    texts = []
    screen = SimpleNamespace(warning=texts.append, display=lambda text, color=None: texts.append(text))
    monkeypatch.setattr(_screen, "Display", lambda: screen)
    monkeypatch.setattr(bluegreen_report, "who_runs", lambda _variables: BY)
    return texts


def run(kind, given=None, returns=None, role=ROLE, variables=None):
    """Return the result of a plugin that has the options ``given``, or whose module ``returns`` a result."""
    plugin = kind.__new__(kind)
    plugin._templar = SimpleNamespace(template=lambda value: value)
    of_role = SimpleNamespace(get_name=lambda: role) if role else None
    plugin._task = SimpleNamespace(
        _role=of_role,
        failed_when=[],
        check_mode=False,
        async_val=0,
        environment=None,
        args={"settings": {}},
        register=None,
    )
    plugin._connection = SimpleNamespace(transport="paramiko_ssh")
    plugin._execute_module = plugin.execute = lambda *_args, **_options: dict(returns)
    plugin.validate_argument_spec = lambda **_spec: (None, dict(given))
    try:
        return plugin.run(task_vars={**ANYWHERE, **(variables or {})})
    except TaskFailed as error:
        return error.result


@pytest.fixture(autouse=True)
def _bare_base(monkeypatch):
    monkeypatch.setattr(ActionBase, "run", lambda *_args, **_options: {})


def texts_in(value):
    """Return each text in a result."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for pair in value.items() for each in pair for text in texts_in(each)]
    return [text for each in value for text in texts_in(each)] if isinstance(value, list) else []


def assert_printed(texts):
    """Whether all that was printed only displays, and no line of it is the attacker's."""
    assert texts
    for line in "\n".join(texts).split("\n"):
        assert line.isprintable(), line
        assert len(line) <= LONGEST
        assert not line.startswith(hostile.LINE)


def assert_only_displays(result):
    """Whether a result does; one that has lines may have the attacker's, for Ansible shows it as JSON."""
    texts = texts_in(result)
    assert texts
    for line in "\n".join(texts).split("\n"):
        assert line.isprintable(), line
        assert len(line) <= LONGEST


def test_the_failure_screen(shown):
    assert_only_displays(run(Fail, {}, variables=WENT_WRONG))
    assert_printed(shown)
    for words in ("log: ", "health check: ", "Left undone: ", "Moving it back failed: "):
        assert words in shown[0]


def test_the_progress(shown):
    said = [{"at": 0.1, "says": EVIL, "awaits": EVIL, "left": None}]
    assert run(FollowedAction, returns={"progress": said, "changed": False}, role=None) == {"changed": False}
    assert_printed(shown)
    assert [text.count("\n") for text in shown] == [0]


def test_the_summary_and_the_result_of_a_run(shown):
    assert_only_displays(run(Report, {"directory": ""}, variables=WENT_WELL))
    assert_printed(shown)
    assert "Warning: " in shown[0]


def test_a_page(shown, tmp_path):
    run(Report, {"directory": str(tmp_path)}, variables=WENT_WRONG)
    pages = [html.unescape(path.read_text(encoding="utf-8")) for path in tmp_path.glob("*.html")]
    assert len(pages) == 2
    for page in pages:
        assert page.replace("\n", "").replace("\ufe0e", "").isprintable()  # ours: the signs as text, not as pictures
    assert hostile.SAMPLES["it is a template"] in max(pages, key=len)


@pytest.mark.parametrize("text", [status_text(STATUS, 1769904006.0), history_text("shop", [RUN])])
def test_the_status_and_the_history(shown, text):
    run(Show, {"text": text})
    assert_printed(shown)


@pytest.mark.parametrize(
    "returns",
    [
        {"msg": EVIL, "warnings": [EVIL], "containers": [CONTAINER]},
        {"msg": EVIL, "warnings": [EVIL], "module_stdout": EVIL, "exception": EVIL, "deprecations": [{"msg": EVIL}]},
    ],
)
def test_a_module_that_fails(shown, returns):
    assert_only_displays(run(Action, returns={**returns, "failed": True}))
    assert_only_displays(shown)  # Ansible puts a warning into one line
    assert_only_displays(run(Action, returns={**returns, "failed": True}, role=None))


def test_a_module_that_succeeds():
    returns = {"status": STATUS, "text": EVIL, "warnings": [EVIL], "deprecations": [{"msg": EVIL}]}
    assert_only_displays(run(Action, returns=returns))


def test_a_hook_that_fails():
    failed = {"ansible_failed_task": {"action": "command"}, "ansible_failed_result": {"msg": EVIL}}
    for given in ({"hook": "after_swap", "tolerated": ""}, {"hook": "after_swap", "tolerated": "it failed"}):
        assert_only_displays(run(FailedTask, given, variables={**WENT_WELL, **failed}))


def test_what_later_tasks_act_on_is_exact():
    content = "# a tab\tand a line " + "x" * 2000
    plan = dict(PLAN, release="v2", previous_release="v1", content=content, unchanged=False)
    result = run(Plan, returns={"plan": plan, "warnings": [EVIL]})
    assert result["plan"]["content"] == content
    assert_only_displays(result["warnings"])


def test_warnings_and_errors_of_newer_versions_of_ansible():
    messages = pytest.importorskip("ansible.module_utils._internal._messages", reason="since ansible-core 2.19")
    event = messages.Event(msg=EVIL, formatted_traceback=EVIL, help_text=EVIL)
    chained = messages.Event(msg="x", chain=messages.EventChain(msg_reason="a", traceback_reason="b", event=event))
    for kind in (messages.WarningSummary, messages.ErrorSummary, messages.DeprecationSummary):
        found = sanitize({"warnings": [kind(event=chained)]})["warnings"][0]
        assert isinstance(found, kind)
        inner = found.event.chain.event
        assert_only_displays([inner.msg, inner.formatted_traceback, inner.help_text])


@pytest.mark.parametrize("value", [None, 1, 1.5, True, b"\x1b", [1, (2, None)], {"a": {"b": [False]}}])
def test_the_rest_of_a_value_stays(value):
    assert sanitize(value) == value
    assert json.dumps(sanitize(value), default=str) == json.dumps(value, default=str)


def test_a_worker_process_prints_by_the_queue_of_the_main_process(monkeypatch):
    """Display.display itself may have been wrapped, by an ansible-runner that writes to the worker's stdout."""
    sent = []
    queue = SimpleNamespace(send_display=lambda *arguments, **options: sent.append((arguments, options)))
    monkeypatch.setattr(_screen, "Display", lambda: SimpleNamespace(_final_q=queue))
    _screen.show("one\ntwo\x1b", color="red")
    assert sent == [(("display", "one\ntwo "), {"color": "red"})]


@pytest.mark.parametrize(
    "callback, result_format, printed",
    [
        ("awx_display", None, ["[web1] x is wrong\n[web1] y is wrong"]),
        ("awx_display", "json", ["[web1] x is wrong\n[web1] y is wrong"]),
        ("awx_display", "yaml", []),
        ("default", "json", ["[web1] x is wrong\n[web1] y is wrong"]),
        ("default", "yaml", []),
        ("minimal", None, []),
    ],
)
def test_a_refusal_is_lines_where_a_result_is_one_line_of_json(shown, monkeypatch, callback, result_format, printed):
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", callback)
    asked = {"plugin_type": "callback", "plugin_name": callback}

    def get_config_value(name, **options):
        assert (name, options) == ("result_format", asked)
        if result_format is None:
            raise AnsibleError("unknown")
        return result_format

    monkeypatch.setattr(_screen.C.config, "get_config_value", get_config_value)
    _screen.show_refusal(["x is wrong", "y is wrong"], "[web1] ")
    assert shown == printed


def test_nothing_else_prints():
    """The one exit: no other file calls what prints, and each module has an action plugin of ours."""
    printing = re.compile(r"\.(display|warning|warn|error|deprecated|v+)\(|\bprint\(|sys\.std(out|err)")
    for path in [*PLUGINS.glob("action/*.py"), *PLUGINS.glob("plugin_utils/*.py")]:
        if path.name != "_screen.py":
            assert not printing.search(path.read_text(encoding="utf-8")), path
    routed = (PLUGINS.parent / "meta" / "runtime.yml").read_text(encoding="utf-8")
    for path in PLUGINS.glob("modules/*.py"):
        assert (PLUGINS / "action" / path.name).exists() or f"\n    {path.stem}: " in routed, path
