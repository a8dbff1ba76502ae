# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import fcntl
import json
import pathlib

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ..module_utils._files import write_atomic
from ..plugin_utils._action import ControllerAction
from ..plugin_utils._controller import who_runs
from ..plugin_utils._page import WORDS, page_index, page_name, page_summary, page_view
from ..plugin_utils._progress_narrator import prefix
from ..plugin_utils._screen import sanitize, show
from ..plugin_utils._summary import closing_lines

TEMPLATES = pathlib.Path(__file__).parents[2] / "roles" / "bluegreen" / "templates"


class ActionModule(ControllerAction):
    """Print how a run ended, unless it failed. Publish its result like set_stats, and write its page and the index of
    all pages, except in check mode. A page that can't be written is a warning."""

    options = {"directory": {"type": "path", "default": ""}, "run": {"type": "dict", "required": True}}

    def act(self, given, task_vars):
        run = sanitize(dict(typed(given["run"]), host=task_vars["inventory_hostname"], by=who_runs(task_vars)))
        found = {"page": None}
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


def stats(run):
    """Return the result for Ansible to publish as bluegreen_results, as set_stats does."""
    return {"data": {"bluegreen_results": {run["host"]: run["result"]}}, "per_host": False, "aggregate": True}


def typed(run):
    """Return a run in plain values. Before ansible-core 2.19, templates turn numbers, null and true into text."""
    run = {key: None if value == "" else value for key, value in json.loads(json.dumps(run)).items()}
    for key in ("ended", "clock_ahead", "swapped_at", "back_at"):
        run[key] = None if run[key] is None else float(run[key])
    run["unsure"] = run["unsure"] in (True, "True")
    return run


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
