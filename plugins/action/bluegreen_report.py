# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import json
import pathlib
import time

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..module_utils._deploy.undo import UNSURE
from ..module_utils._files import write_atomic
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._commands import arguments_of
from ..plugin_utils._controller import who_runs
from ..plugin_utils._page import WORDS, page_index, page_name, page_summary, page_view
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._run import Run
from ..plugin_utils._screen import sanitize, show
from ..plugin_utils._summary import closing_lines

TEMPLATES = pathlib.Path(__file__).parents[2] / "roles" / "bluegreen" / "templates"


class ActionModule(ControllerAction):
    """Gather the result of a run, and print how it ended, unless it failed. Publish the result like set_stats, and
    write its page and the index of all pages, except in check mode. A page that can't be written is a warning."""

    options = {"directory": {"type": "path", "default": ""}}

    def act(self, given, task_vars):
        run = sanitize(dict(told(Run(task_vars)), host=task_vars["inventory_hostname"], by=who_runs(task_vars)))
        run.update(arguments=arguments_of(task_vars), job=run["by"]["job"])
        found = {"page": None, "result": run["result"]}
        if not self._task.check_mode:  # or a later job would take a possible result for a real one
            found["ansible_stats"] = stats(run)
        if given["directory"] and run["result"]["outcome"] in WORDS and not self._task.check_mode:
            try:
                found["page"] = write(pathlib.Path(given["directory"]), run)
            except Exception as error:  # the deploy has already ended, so no error may change that
                found["warnings"] = [f"the page of this run could not be written (bluegreen_report_dir): {error}"]
        if not run["reason"]:
            show(prefix(task_vars) + closing_lines(run, self._task.check_mode, found["page"]))
        return found


def told(run):
    """Return the facts for the page and the last lines (see _page.py). ``run``: a Run."""
    plan, failure, baked = run.plan, run.failure, run.baked()
    closed = next((run.of(name)["run"] for name in ("finished", "undone", "recorded") if run.of(name).get("run")), {})
    watched = bool(baked) and "canary" in plan["steps"]
    return {
        "app": run.settings["app"],
        "kind": run.kind,
        "release": plan["release"],
        "color": plan["color"],
        "previous_color": plan["active_color"],
        "retired": run.settings["retire"] if run.of("finished").get("retired") else None,
        "result": run.result(),
        "phases": closed.get("phases") or run.phases(),
        "ended": run.ended() or time.time(),
        "failed_phase": failure.get("phase"),
        "reason": failure.get("why"),
        "unsure": bool(failure) and run.of("undone").get("decision", UNSURE) == UNSURE,
        "builds": plan["builds"],
        "pulled_images": plan["pulled_images"],
        "images": closed.get("images", {}),
        "gate": run.gate(),
        "watches": [*baked.get("earlier", []), baked] if baked else [],
        "canary_weights": [each["weight"] for each in run.settings["canary_steps"]] if watched else [],
        "swapped_at": run.of("swapped").get("swapped_at"),
        "back_at": run.of("undone").get("back_at"),
        "clock_ahead": run.planned.get("clock_ahead", 0),
    }


def stats(run):
    """Return the result for Ansible to publish as bluegreen_results, as set_stats does."""
    return {"data": {"bluegreen_results": {run["host"]: run["result"]}}, "per_host": False, "aggregate": True}


def write(directory, run):
    """Write the page of a run, its entry for the index, and the index. Return the page's path. Raises OSError."""
    directory.mkdir(parents=True, exist_ok=True)
    templates = Environment(
        autoescape=True,
        loader=FileSystemLoader(TEMPLATES),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    page = directory / (page_name(run) + ".html")
    write_atomic(str(page), templates.get_template("report.html.j2").render(page_view(run)), 0o644)
    with open(directory / ".lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # if two runs end at the same time, the second index has both
        summary = json.dumps(page_summary(run), indent=1)
        write_atomic(str(page.with_suffix(".json")), summary, 0o644)
        rows = page_index(map(read, directory.glob("*.json")))
        write_atomic(str(directory / "index.html"), templates.get_template("reports.html.j2").render(rows=rows), 0o644)
    return str(page)


def read(path):
    """Return the content of a JSON file, or None."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
