# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Read the messages for people from the source of the plugins. reference.py writes docs/messages.md from them.

A message has at least WORDS words. Docstrings, documentation, commands and nginx's files don't count. SITUATIONS must
name each plugin file that has messages.
"""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PLUGINS = ROOT / "plugins"

HEAD = """\
# Messages

All errors and warnings that a user can cause, by situation. `<words>` stand for a value. Some rows
are parts of a longer message. A row without a remedy needs no action, or quotes a cause that you
must fix. `make reference` generates this page from the source.

The failure screen shows one of these messages, the evidence, what the role undid, and the command
to run next. See [Operations](operations.md).
"""

SITUATIONS = {
    "The variables are wrong": """plugin_utils/_rules.py plugin_utils/_unquoted.py plugin_utils/_variable_names.py
        action/bluegreen_validate.py module_utils/_nginx/canary.py module_utils/_nginx/preview.py
        module_utils/_nginx/upstream_options.py module_utils/_nginx/vhost.py module_utils/_docker/registry.py""",
    "The play is wrong": "plugin_utils/_play.py",
    "The target lacks Docker or Compose": """module_utils/_docker/address.py module_utils/_docker/engine.py""",
    "The Compose files can't be read": "module_utils/_compose/files.py module_utils/_compose/render.py",
    "The Compose files can't run in two colors": """module_utils/_compose/layout.py module_utils/_compose/single_file.py
        module_utils/_compose/unsupported.py""",
    "A service of the Compose files is nginx itself": "module_utils/_compose/edge_service.py",
    "Two containers share files": "module_utils/_compose/mounts.py",
    "A shared service is in the way": """module_utils/_compose/shared_services.py
        module_utils/_deploy/shared_plan.py""",
    "A stack runs that the role did not start": "module_utils/_deploy/adoption.py module_utils/_deploy/from_files.py",
    "An image can't be pulled or built": """module_utils/_compose/builds.py module_utils/_compose/build_run.py
        module_utils/_docker/disk_space.py module_utils/_docker/download.py module_utils/_deploy/release_images.py""",
    "A container can't start": "module_utils/_compose/up.py module_utils/_compose/up_run.py",
    "A health check fails": """module_utils/_deploy/health_checks.py module_utils/_docker/completeness.py
        module_utils/_health/probe.py module_utils/_health/probe_run.py module_utils/_health/verdict.py
        module_utils/_health/wait.py modules/compose_health_wait.py""",
    "A smoke test, the canary or the bake fails": """module_utils/_health/smoke.py module_utils/_health/smoke_run.py
        module_utils/_health/watch.py module_utils/_nginx/answer_log.py module_utils/_http.py modules/bluegreen_bake.py
        modules/bluegreen_smoke.py""",
    "A migration fails": "module_utils/_deploy/migration.py modules/bluegreen_migration.py",
    "nginx is not usable": """module_utils/_deploy/situation.py module_utils/_deploy/preflight.py
        module_utils/_edge/container.py module_utils/_edge/edge.py module_utils/_edge/host.py
        module_utils/_nginx/configuration.py module_utils/_nginx/directives.py
        module_utils/_nginx/upstream.py""",
    "nginx does not take the swap": """module_utils/_edge/answer.py module_utils/_edge/drain.py
        module_utils/_edge/lock.py module_utils/_edge/reload.py module_utils/_edge/swap.py
        module_utils/_docker/aliases.py modules/bluegreen_swap.py""",
    "There is nothing to roll back to, or to promote": """module_utils/_deploy/decisions.py
        module_utils/_deploy/from_record.py module_utils/_deploy/planner.py""",
    "Another run has the lock, or was interrupted": """module_utils/_state/lock.py module_utils/_deploy/recovery.py
        modules/bluegreen_plan.py modules/bluegreen_recover.py modules/bluegreen_unlock.py""",
    "The state directory is not usable": """module_utils/_state/directory.py module_utils/_state/history.py
        module_utils/_state/journal.py module_utils/_files.py module_utils/_deploy/recorder.py""",
    "A run fails, and the screen says what is next": """plugin_utils/_failure_screen.py plugin_utils/_task_failure.py
        action/bluegreen_report.py module_utils/_deploy/undoer.py module_utils/_deploy/finisher.py""",
}

NO_MESSAGES = """module_utils/_state/status.py module_utils/_nginx/app_file.py module_utils/_edge/private_root.py
    plugin_utils/_action.py plugin_utils/_controller.py plugin_utils/_lock_keeper.py
    plugin_utils/_page.py plugin_utils/_progress_follower.py plugin_utils/_progress_narrator.py plugin_utils/_summary.py
    plugin_utils/_commands.py
    plugin_utils/_run.py action/bluegreen_plan.py action/compose_health_wait.py module_utils/_deploy/starter.py"""
"""Files whose texts are screens, progress or commands."""

PREFIXES = {
    "vhost_problems": "bluegreen_vhost is <value>: <key>; ",
    "canary_problems": "bluegreen_canary_steps is <value>; ",
    "upstream_option_problems": "bluegreen_services is <value>: upstream_options.<key> of <service>; ",
    "registry_problems": "bluegreen_registry: ",
    "preview_problems": "bluegreen_preview: ",
    "Verdict": "<container> ",
}
"""What the caller puts before the texts of a function."""

PARTS = {
    "<text>: it exited with <last exit code>": None,
    "<why>; set bluegreen_bake_error_ratio: 0 to turn this check off": "nginx's log of the app's answers could not be "
    "checked: <why>; set bluegreen_bake_error_ratio: 0 to turn this check off",
    "(last health check exited with <exit_code><said>)": None,
    "(the stack started by hand)": None,
    ", <completed> of them completed": None,
    ", declared by its image,": None,
    ". For upstream <name>, set upstream_options of the service: {<items>}": None,
    ". upstream_options has no equivalent for these settings of <name>: <others>": None,
    "; <previous> keeps the traffic": None,
    "<a rollback or a deploy> of <release>": None,
    "<errors> of <requests> (<share> %)": None,
    "<size> to download, <size> free": None,
    "<what> by <user> on <controller><job>, since <since>": None,
    ", or set bluegreen_registry to log in": None,
    "<remedy>; if it needs time, raise bluegreen_health_timeout": None,
    "find out why <service> is not ready": "find out why <service> is not ready; if it needs time, raise "
    "bluegreen_health_timeout",
    "after it had passed its health checks": None,
    "all containers must stay ready": None,
    "an env_file of a service": None,
    "another deploy changes nginx's files": None,
    "the containers are being created": None,
    "the new containers are being stopped": None,
    "the previous color is being stopped": None,
    "the run is being recorded": None,
    "<text>; set each in the inventory, or with -e NAME=VALUE": "missing required arguments: <variables>; set each in "
    "the inventory, or with -e NAME=VALUE",
    "bluegreen_services is <value>: upstream_options.<key> of <service>; idle connections of each worker process": None,
    "bluegreen_services: headers of the probe of <name>": None,
    "do that work in the entrypoint": None,
    "do that work when the process gets its stop signal": None,
    "docker compose up is still running": None,
    "has no process with the pid in <pid file>": None,
    "is running for <uptime> of <min uptime>": None,
    "nginx's log of the app's answers": None,
    "no complete answer within <timeout> s": "no answer: no complete answer within <timeout> s",
    "no container of it runs": None,
    "remove <needed> from its depends_on, or from bluegreen_exclusive_services": None,
    "the stack started by hand": None,
    "size unknown, because the Engine runs on another machine": None,
    "was restarted <restarts> (<max restarts> allowed)": "<container> was restarted <restarts> (<max restarts> "
    "allowed)",
}
"""Texts that nobody understands alone: each with its whole message, or None for a text that the page leaves out."""

WORDS = 5

_NO_PROSE = re.compile(
    r"(map|zone|resolver|upstream|proxy_set_header|location|default|export|tail|mount|server) [-$<]|#|.*# tally"
)
"""Text of nginx's files, and commands."""

_FORMAT = re.compile(r"\{(\d*|name)\}")
"""A place in a text that is filled in elsewhere."""


def page():
    """Return the text of docs/messages.md."""
    listed = {name: title for title, names in SITUATIONS.items() for name in names.split()}
    found = {title: [] for title in SITUATIONS}
    unseen = set(PARTS)
    for path in sorted(each for each in PLUGINS.rglob("*.py") if each.parent.name != "doc_fragments"):
        name = str(path.relative_to(PLUGINS))
        texts = messages_in(path.read_text(encoding="utf-8"))
        if texts and name not in listed and name not in NO_MESSAGES.split():
            sys.exit(f"{name} has messages, so name it in SITUATIONS or NO_MESSAGES of tools/messages.py: {texts[0]}")
        if name in listed:
            whole = [PARTS.get(text, text) for text in texts]
            found[listed[name]] += [text for text in whole if text and text not in found[listed[name]]]
            unseen -= set(texts)
    if unseen:
        sys.exit(f"no file has these texts, so remove them from PARTS of tools/messages.py: {sorted(unseen)}")
    return "\n\n".join([HEAD.strip(), *(section(*each) for each in found.items())]) + "\n"


def section(title, texts):
    """Return the table of a situation."""
    rows = ["| message | remedy |", "|---|---|"]
    for text in texts:
        message, _semicolon, remedy = text.partition("; ")
        rows.append(f"| {cell(message)} | {cell(remedy)} |".replace("|  |", "| |"))
    return f"## {title}\n\n" + "\n".join(rows)


def cell(text):
    """Return a text as a cell of a Markdown table."""
    return re.sub(r"((?:<[^<>]+>)+)", r"`\1`", text.replace("|", r"\|").replace("*", r"\*"))


def messages_in(source):
    """Return the messages in the source of a plugin, in its order."""
    reader = _Reader(ast.parse(source))
    return list(dict.fromkeys(reader.texts))


class _Reader:
    def __init__(self, tree):
        self.texts = []
        self.constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self._read(tree, ())

    def _read(self, node, around):
        """Read a node within ``around``, the outermost first."""
        text = self._text(node)
        if text is not None:
            self._keep(" ".join(text.split()), node, around)
            return
        for child in ast.iter_child_nodes(node):
            if not (_is_documentation(child) or _name(child) == "compile"):
                self._read(child, (*around, node))

    def _keep(self, text, node, around):
        verdict = next((each for each in around if _name(each) == "Verdict"), None)
        if _NO_PROSE.match(text) or not (verdict or len(text.split()) >= WORDS):
            return
        if verdict and ast.unparse(verdict.args[0]) in ("READY", "COMPLETED"):
            return
        variable = _variable(node, around)
        prefix = next((PREFIXES[_name(each)] for each in reversed(around) if _name(each) in PREFIXES), "")
        self.texts.append((f"bluegreen_{variable} is <value>; " if variable else prefix) + text)

    def _text(self, node):
        """Return the text of an expression with its values as ``<name>``; None for an expression that is no text."""
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self._filled(node.value) if _FORMAT.search(node.value) else node.value
        if isinstance(node, ast.JoinedStr):
            return "".join(self._text(each) or self._value(each.value) for each in node.values)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            parts = [self._text(node.left), self._text(node.right)]
            if parts == [None, None]:
                return None
            return "".join(
                self._value(each) if part is None else part for each, part in zip((node.left, node.right), parts)
            )
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "format":
            inner = node.func.value
            text = inner.value if isinstance(inner, ast.Constant) else self._text(inner)
            return None if text is None else self._filled(text, node.args, node.keywords)
        return None

    def _filled(self, text, arguments=(), keywords=()):
        numbers = iter(range(len(arguments)))
        given = {each.arg: each.value for each in keywords if each.arg}

        def value(match):
            if match.group() in ("{{", "}}"):
                return match.group()[0]
            key = match.group(1)
            number = next(numbers, None) if key == "" else int(key) if key.isdigit() else None
            if number is not None and number < len(arguments):
                return self._value(arguments[number])
            if key in given:
                return self._value(given[key])
            return "<value>" if key.isdigit() or not key else f"<{key}>"

        return re.sub(r"\{\{|\}\}|\{(\w*)[^{}]*\}", value, text)

    def _value(self, node):
        if isinstance(node, ast.Name) and node.id in self.constants:
            return str(self.constants[node.id])
        if isinstance(node, ast.IfExp) and "" in (self._text(node.body), self._text(node.orelse)):
            return ""  # a part that may be missing
        return f"<{_words(node)}>"


def _is_documentation(node):
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    names = [target.id for target in getattr(node, "targets", []) if isinstance(target, ast.Name)]
    return bool({"DOCUMENTATION", "EXAMPLES", "RETURN"} & set(names))


def _variable(node, around):
    """Return the variable of the role whose remedy this text is; None for another text."""
    function = next((each for each in reversed(around) if isinstance(each, ast.FunctionDef)), None)
    calls = [each for each in ast.walk(function) if _name(each) == "_problem"] if function else []
    parent = around[-1]
    if not calls or (_name(parent) == "_problem" and parent not in calls):
        return None
    if isinstance(parent, ast.Tuple) and isinstance(parent.elts[0], ast.Constant) and parent.elts[-1] is node:
        return parent.elts[0].value
    call = next((each for each in reversed(around) if _name(each) == "_problem"), None)
    if call is None:
        later = [each for each in calls if each.lineno >= node.lineno]
        call = (later or calls)[0]
    return call.args[0].value if isinstance(call.args[0], ast.Constant) else "<variable>"


def _name(node):
    """Return the name of the function that a node calls or defines."""
    if isinstance(node, ast.Call):
        return ast.unparse(node.func).rpartition(".")[2]
    return getattr(node, "name", "")


def _words(node):
    """Return what the value of an expression may be called."""
    if isinstance(node, (ast.Attribute, ast.Name)):
        return ast.unparse(node).rpartition(".")[2].strip("_").replace("_", " ")
    if isinstance(node, ast.Subscript):
        key = node.slice
        return key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else _words(node.value)
    if isinstance(node, ast.Call):
        if _name(node) == "len":
            return "number"
        if node.args and not isinstance(node.args[0], ast.Constant) and not _name(node).startswith("_"):
            return _words(node.args[0])
        in_text = isinstance(node.func, ast.Attribute) and node.func.attr in ("group", "partition", "split", "strip")
        return _words(node.func.value if in_text else node.func)
    if isinstance(node, (ast.GeneratorExp, ast.ListComp)):
        return _words(node.generators[0].iter)
    if isinstance(node, ast.BoolOp):
        return _words(node.values[0])
    if isinstance(node, ast.BinOp):
        return _words(node.left)
    if isinstance(node, ast.IfExp):
        branches = [each.value for each in (node.body, node.orelse) if isinstance(each, ast.Constant)]
        return " or ".join(branches) if len(branches) == 2 else "value"
    return str(node.value) if isinstance(node, ast.Constant) else "value"
