# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The swap: replace nginx's file of an app, reload nginx and prove it, or restore the file."""

from __future__ import annotations

import contextlib
import time
import uuid

from .._docker.aliases import hand_back
from .._docker.containers import containers_by_id, containers_of_run, edge_addresses, find_containers
from .._docker.traffic import endpoints_of
from .._errors import EdgeError, UpstreamError
from .._names import other_color
from .._nginx import app_file
from .._nginx.answer_log import built_in_log, has_answer_log, is_log_off, with_answer_log
from .._nginx.configuration import http_settings
from .._nginx.preview import without_preview
from .._nginx.upstream import parse_upstreams
from .._nginx.version import follows_addresses, keeps_connections_on_reload
from .._progress import ignore
from .answer import wait_for_answer
from .drain import cut_warning, wait_until_drained
from .edge import quoted

LOOK_UP = 1.0
"""Seconds in which nginx has looked up the names of a reload. Docker's DNS answers within milliseconds."""

_NOT_NEEDED = ('"keepalive_min_timeout" directive is duplicate', 'unknown directive "keepalive_min_timeout"')
"""nginx's errors for the shared file, if the user also sets that directive, and in Angie, which lacks it. Angie keeps
idle connections for its lingering_timeout by default (5 s, from 1.8 on)."""


class Swap:
    """One app's file on one edge. ``state``: the app's AppState; ``edge_url``: ``{url, host}`` or empty;
    ``answer_log``: the deploy for which nginx logs the app's answers, or empty; ``on_wait``: called repeatedly with a
    clause (what the swap waits for) and the most seconds left."""

    def __init__(self, edge, state, edge_url, check_mode, answer_log="", on_wait=ignore):
        self.edge = edge
        self.state = state
        self.edge_url = edge_url
        self.check_mode = check_mode
        self.on_wait = on_wait
        self.name = app_file.app_file_name(state.app)
        self.version = edge.version()
        # The log ends with a reload, at which clients of an older nginx would lose requests.
        self.answer_log = answer_log if keeps_connections_on_reload(self.version) else ""
        self.default_log = None
        if self.answer_log and edge.running:
            self._look_at_access_logs()
        self.unprepared = False
        self.unread = False  # the shared file, if the http block does not include it
        self.clients = edge.clients() if edge.running else 0  # a reload closes their idle connections

    def judge(self, content, introduction, previous_content):
        """Test the file that live() would write. Raises EdgeError with nginx's own message.

        ``introduction``: a file that moves no traffic but names the next color, and that goes live now. Empty if nginx
        needs none. With an answer log, ``previous_content`` takes its place if it is empty.
        """
        if self.check_mode:
            return self._result(False)
        self._accepted(app_file.with_marks(self._with_log(content), generation=_new_generation()))
        introduction = introduction or (previous_content if self.answer_log else "")
        if not introduction:
            return self._result(False)
        with self._turn():
            here = self.edge.read(self.name) or previous_content
            return self._result(True, **self._replace(self._with_log(introduction), here))

    def live(self, content, previous_content, addresses, at_once=False, before_rename=ignore):
        """Make ``content`` the app's file and prove that nginx serves it. Does nothing if nginx was already seen to
        serve it. If it raises EdgeError, the previous file is in place again.

        ``previous_content``: the way back if there is no file yet; ``addresses``: those of the names, for an nginx that
        only looks names up when it loads; ``at_once``: whether nginx has not had the names before. It then looks them
        up as it loads a first file, and follows them from a second one on; ``before_rename``: called directly before
        the file is put in place, and may raise an error to prevent that.
        """
        with self._turn():
            before = self.edge.read(self.name)
            settled = app_file.with_marks(content, addresses=addresses)
            text = self._with_log(settled)
            diff = {
                "before": app_file.without_sections(before) or "",
                "after": settled,
                "before_header": self.name,
                "after_header": self.name,
            }
            if app_file.is_same_text(before, text) and self._has_proved(before):
                return self._result(False)
            if self.check_mode:
                return self._result(True, diff=diff)
            first = app_file.resolved_at_load(text) if at_once else text
            proof = self._replace(first, before or previous_content, before_rename)
        self.unprepared = self.unprepared and bool(previous_content)
        if first != text:
            self._follow(text, proof["proved_at"])
        return self._result(True, diff=diff, **proof)

    def unsettle(self, content, addresses, change, before_rename=ignore):
        """Let some requests reach the idle color. Raises EdgeError, as live() does.

        ``content``, ``addresses``: as for live(), of the active color; ``change(text, here)``: returns the new file
        from that text and from the settled current file, see with_preview() and with_canary(); ``before_rename``: as
        for live().
        """
        if self.check_mode:
            return self._result(True)
        text = app_file.with_marks(content, addresses=addresses)
        with self._turn():
            before = self.edge.read(self.name)
            here = app_file.without_generation(app_file.without_sections(before)) if before else text
            text_then = self._with_log(change(text, here))
            return self._result(True, **self._replace(text_then, before or text, before_rename))

    def settle(self):
        """Close the preview and end the canary and the answer log in the app's file. Raises EdgeError."""
        before = self.edge.read(self.name)
        settled = app_file.without_sections(before)
        if settled == before or self.check_mode:
            return self._result(settled != before)
        with self._turn():
            return self._result(True, **self._replace(app_file.without_generation(settled), before))

    def make_sure(self, addresses):
        """Prove that nginx serves the app's file on disk. ``addresses``: as for live()."""
        return self.live(app_file.without_marks(app_file.without_sections(self.edge.read(self.name))), "", addresses)

    def back(self, endpoints, drain_timeout):
        """Restore the file from before the swap, as the journal has it, and wait until the color that had the traffic
        in between has answered its requests.

        ``endpoints``: ``address:port`` of that color; ``drain_timeout``: in seconds. The result has ``drained`` and
        ``connections`` (those left) if there was a wait.
        """
        way_back = self._way_back()
        if not way_back:
            return self._result(False)
        if self.check_mode:
            return self._result(True)
        self.state.save(unfinished=dict(self.state.journal["unfinished"], given_up=True))
        here = self.edge.read(self.name)
        if self._has_proved(here) and parse_upstreams(without_preview(here)) == parse_upstreams(way_back):
            return self._result(True, **self._go_back(way_back))  # the traffic never moved
        first = self._without_a_gap(way_back)
        proof = self._go_back(first)
        drained, left, _waited = wait_until_drained(
            self.edge, endpoints, proof["old_workers"], proof["proved_at"], drain_timeout, self.on_wait
        )
        if first != way_back:
            self._follow(way_back, proof["proved_at"])
        return self._result(True, drained=drained, connections=left, **proof)

    @property
    def warning(self):
        """The warning about this nginx, or None."""
        if self.unread:
            return (
                f"nginx does not read {self.edge.path(app_file.SHARED_FILE)}, so keepalive_min_timeout is not set and "
                f"each swap drops one request of every busy keep-alive connection; include {self.edge.path('*.conf')} "
                "in the http block"
            )
        if self.unprepared:
            return (
                "nginx ran without keepalive_min_timeout until now, so this first reload may have dropped one request "
                "of every busy keep-alive connection; later reloads drop none"
            )
        if keeps_connections_on_reload(self.version):
            return None
        return (
            f"nginx {self._version_text()} closes its clients' idle keep-alive connections at each swap, which drops "
            f"one request of every busy one ({self.clients} are open now); update nginx to 1.27.4 or newer, which "
            "drops none"
        )

    def _without_a_gap(self, text):
        """Return the first version of a file, with which nginx has every address when it loads it. It is the file
        itself if that is not possible, for example if a name has no address."""
        first = app_file.resolved_at_load(text)
        return first if first == text or self.edge.judge({self.name: first})[0] else text

    def _go_back(self, text):
        with self._turn():
            return self._replace(app_file.without_generation(text), text)

    def _with_log(self, text):
        if not self.answer_log:
            return text
        path = self.edge.answer_log_path(self.state.app)
        return with_answer_log(text, self.state.app, self.answer_log, path, self.default_log)

    def _look_at_access_logs(self):
        """Do without an answer log if nginx would not write it. Also find the log that nginx keeps by default."""
        ok, dump = self.edge.dump()
        if not ok:
            return  # the test of the new file reports the problem
        try:
            access_logs = http_settings(dump, "access_log", but=self.name)
        except UpstreamError as error:
            raise EdgeError(f"nginx's configuration (nginx -T) can't be read: {error}") from error
        if is_log_off(access_logs):
            self.answer_log = ""
        elif not access_logs:
            self.default_log = built_in_log(self.edge.run([self.edge.program, "-V"])[1])

    def _follow(self, text, since):
        """Let nginx follow the names that it looked up at ``since`` (seconds by the monotonic clock) while loading."""
        time.sleep(max(0.0, since + LOOK_UP - time.monotonic()))
        self._go_back(text)

    def _turn(self):
        return contextlib.nullcontext() if self.check_mode else self.edge.turn(self.on_wait)

    def _has_proved(self, text):
        return self.state.has_proved(app_file.generation_of(text))

    def _way_back(self):
        return (self.state.journal["unfinished"] or {}).get("swap", {}).get("from")

    def _note(self, way_back):
        """Record in the journal the file from before this deploy, if this is its first change."""
        unfinished = dict(self.state.journal["unfinished"] or {})
        unfinished.setdefault("swap", {"from": way_back})
        self.state.create()
        self.state.save(unfinished=unfinished, proved=None)

    def _accepted(self, text):
        """Return the files to write, after nginx has accepted them in a test. Raises EdgeError."""
        files = {self.name: text, app_file.SHARED_FILE: app_file.shared_text(self.version)}
        ok, said = self._judged(files, text)
        if not ok and any(words in said for words in _NOT_NEEDED):
            files[app_file.SHARED_FILE] = None
            ok, said = self._judged(files, text)
        if not ok:
            raise EdgeError(f"nginx rejects the new configuration in a test, and has not loaded it: {quoted(said)}")
        if not self._is_read(said, text):
            raise EdgeError(
                f"nginx does not read {self.edge.path(self.name)}; include that directory in its http block (it reads "
                f"{', '.join(app_file.files_in_dump(said)) or 'nothing'})"
            )
        self.unread = files[app_file.SHARED_FILE] is not None and not app_file.keeps_clients(said)
        return files

    def _judged(self, files, text):
        """Return the result of a test of the files. Test again if the app's file is missing in it, because the log of
        the testing container is sometimes incomplete."""
        ok, said = self.edge.judge(files)
        return self.edge.judge(files) if ok and not self._is_read(said, text) else (ok, said)

    def _is_read(self, dump, text):
        generation = app_file.generation_of(text)
        seen = app_file.file_in_dump(dump, self.edge.path(self.name), generation)
        return app_file.generation_of(seen) == generation

    def _replace(self, text, way_back, before_rename=ignore):
        """Test the app's file, put it in place, and prove that nginx serves it. Return the details of the proof.

        ``way_back``: the current file. If this fails, the previous files are in place again, and nothing is proven.
        """
        files = self._accepted(app_file.with_marks(text, generation=_new_generation()))
        before_rename()  # also before the journal records a replaced file
        self._note(app_file.without_sections(way_back))
        files_before = {name: self.edge.read(name) for name in files}
        self.unprepared = bool(
            self.edge.running and files[app_file.SHARED_FILE] and not files_before[app_file.SHARED_FILE]
        )
        try:
            self.edge.write(files)
            seconds, old_workers = self._load(files[self.name])
            proved_at = time.monotonic()
            if self.edge_url:
                wait_for_answer(self.edge_url["url"], self.edge_url.get("host"))
        except BaseException:
            self.edge.write(files_before)
            raise
        self.state.save(proved=app_file.generation_of(files[self.name]))
        if has_answer_log(files_before[self.name]) and not has_answer_log(files[self.name]):
            self.edge.run(["rm", "-f", self.edge.answer_log_path(self.state.app)])
        return {
            "reload_seconds": round(seconds, 3),
            "old_workers": old_workers,
            "proved_at": proved_at,
            "swapped_at": time.time(),
        }

    def _load(self, text):
        """Let nginx load the files on disk. Return ``(seconds, the previous worker processes)``."""
        if not self.edge.running:
            return self.edge.start(self.on_wait), []
        ok, said = self.edge.dump()
        if not ok:
            raise EdgeError(
                f"nginx in {self.edge.name} rejects its configuration since the new file was written: "
                f"{quoted(said) or 'it does not answer'}"
            )
        if not self._is_read(said, text):
            raise EdgeError(
                f"nginx in {self.edge.name} does not see the files written to {self.edge.conf_dir}; mount the "
                "directory itself"
            )
        return self.edge.reload(self.on_wait)

    def _version_text(self):
        return ".".join(str(part) for part in self.version)

    def _result(self, changed, **more):
        return dict(more, changed=changed, nginx_version=self._version_text())


def addresses_at_load(engine, swap, network, color):
    """Return the addresses of a color's names, for an nginx that only looks names up when it loads. Otherwise empty."""
    if follows_addresses(swap.version):
        return []
    app = swap.state.app
    return edge_addresses(find_containers(engine, app)[color], network, app, color)


def endpoints_of_unfinished(engine, state, network, nginx_mode):
    """Return each ``address:port`` in the color of the journal's unfinished deploy to which nginx may have a
    connection. Empty without such a deploy."""
    unfinished = state.unfinished
    if unfinished is None:
        return []
    containers = containers_of_run(engine, state.app, unfinished)
    return endpoints_of(containers, unfinished["services"], unfinished["color"], network, nginx_mode)


def put_back(engine, swap, params):
    """Restore nginx's previous file, drain the color of the unfinished run, and give the moving aliases back to the
    other color. Return ``(result, warnings)``.

    ``params``: ``network``, ``nginx_mode`` and ``drain_timeout``.
    """
    state = swap.state
    endpoints = endpoints_of_unfinished(engine, state, params["network"], params["nginx_mode"])
    result = swap.back(endpoints, params["drain_timeout"])
    warnings = [] if swap.check_mode or not state.unfinished else hand_back(engine, state.app, state.unfinished)
    if not result.get("drained", True):
        warnings.append(cut_warning(result["connections"], params["drain_timeout"]))
    return result, warnings


def with_addresses(engine, swap, upstreams, network, nginx_mode):
    """Return upstreams, as from the planner, with the numbers of ``addresses`` in the active and in the idle color.

    An nginx that only looks names up when it loads gets the idle color's addresses instead of names, because it could
    not load a name that no longer exists.
    """
    unfinished = swap.state.unfinished
    color = unfinished["color"]
    active = containers_by_id(engine, unfinished["previous"])
    idle = containers_of_run(engine, swap.state.app, unfinished)
    services = {service["upstream"]: service for service in unfinished["services"]}
    before = {service["upstream"]: service for service in unfinished.get("previous_services", [])}

    def seen(upstream):
        service = services[upstream["name"]]
        then = endpoints_of(idle, [service], color, network, nginx_mode)
        service = before.get(upstream["name"], service)
        now = endpoints_of(active, [service], other_color(color), network, nginx_mode)
        more = {"addresses": [len(now), len(then)]}
        if not follows_addresses(swap.version):
            places = [place.rpartition(":") for place in then]
            more["targets"] = [{"host": host, "port": int(port)} for host, _colon, port in places]
        return dict(upstream, **more)

    return [seen(upstream) for upstream in upstreams]


def _new_generation():
    return uuid.uuid4().hex[:12]
