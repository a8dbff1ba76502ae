# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The swap: nginx's file of an app, replaced, reloaded and proven, or put back."""

from __future__ import annotations

import contextlib
import time
import uuid

from ansible_collections.hotswap.compose.plugins.module_utils import _nginx
from ansible_collections.hotswap.compose.plugins.module_utils._edge import EdgeError, UnprovenReload, quoted

SETTLE = 2.0
"""s for nginx to look up the names that it is to follow, between the reload that swaps and the one that settles."""


class Swap:
    """One app's file on one edge; ``state`` is the app's AppState."""

    def __init__(self, edge, state, check_mode):
        self.edge = edge
        self.state = state
        self.check_mode = check_mode
        self.name = _nginx.app_file(state.app)
        self.version = edge.version()
        self.taken = False
        self.unprepared = False
        self.unsettled = None

    def judge(self, color, release, upstreams):
        """Test the file that live() would write; raises EdgeError with nginx's own words. Changes nothing."""
        if not self.check_mode:
            self._accepted(self._text(color, release, upstreams))
        return self._result(False)

    def live(self, color, release, upstreams, previous_upstreams):
        """Send the traffic to ``upstreams``. Raises EdgeError, with the file of before in place again."""
        with self._turn():
            before = self.edge.read(self.name)
            text = self._text(color, release, upstreams)
            diff = {"before": before or "", "after": text, "before_header": self.name, "after_header": self.name}
            if _nginx.sends_the_same(before, text):
                return self._result(False)
            if self.check_mode:
                return self._result(True, diff=diff)
            way_back = before
            if before is None and previous_upstreams:
                way_back = self._text("previous", "previous", previous_upstreams)
            files = self._accepted(_nginx.known_at_once(text))
            self._note(way_back)
            files_before = {name: self.edge.read(name) for name in files}
            try:
                proof = self._put(files, text)
            except BaseException as error:
                self.edge.write(files_before)
                if isinstance(error, EdgeError) and not (isinstance(error, UnprovenReload) or self.taken):
                    self._note(None)  # nginx has not taken it and never will: nothing is to be put back
                raise
            self.unprepared = bool(previous_upstreams and files[_nginx.SHARED_FILE] and not files_before[_nginx.SHARED_FILE])
            return self._result(True, diff=diff, **proof)

    def back(self):
        """Put back what the journal says was there before the swap, by one reload."""
        noted = (self.state.journal["unfinished"] or {}).get("swap")
        if noted is None or noted["from"] is None:
            return self._result(False)
        if self.check_mode:
            return self._result(True)
        with self._turn():
            files = self._accepted(_nginx.known_at_once(noted["from"]))
            return self._result(True, **self._put(files, noted["from"]))

    def _turn(self):
        return contextlib.nullcontext() if self.check_mode else self.edge.locked()

    def _text(self, color, release, upstreams):
        generation = uuid.uuid4().hex[:12]
        return _nginx.app_text(self.state.app, color, release or "unknown", generation, upstreams, self.version)

    def _note(self, way_back):
        unfinished = dict(self.state.journal["unfinished"] or {})
        unfinished["swap"] = {"from": way_back}
        self.state.create()
        self.state.save(unfinished=unfinished)

    def _accepted(self, text):
        """Return the files to write, which nginx was seen to accept. Raises EdgeError."""
        files = {self.name: text, _nginx.SHARED_FILE: _nginx.shared_text(self.version)}
        ok, said = self.edge.judge(files)
        if not ok and '"keepalive_min_timeout" directive is duplicate' in said:
            files[_nginx.SHARED_FILE] = None
            ok, said = self.edge.judge(files)
        if not ok:
            raise EdgeError("nginx refuses the new configuration, which it has not seen yet: {0}".format(quoted(said)))
        seen = _nginx.file_in_dump(said, self.edge.path(self.name))
        if _nginx.generation(seen) != _nginx.generation(text):
            raise EdgeError("nginx does not read {0}: its http block must include that directory".format(self.edge.path(self.name)))
        return files

    def _put(self, files, text):
        """Make ``files`` live, and then ``text``, which sends the traffic to the same places for good."""
        settled = dict(files, **{self.name: text})
        if not self.edge.running:
            self.edge.write(settled)
            return {"reload_seconds": round(self.edge.start(), 3), "old_workers": [], "proved_at": time.time()}
        old_workers, seconds = self._reload(files)
        self.taken = True
        proof = {"reload_seconds": round(seconds, 3), "old_workers": old_workers, "proved_at": time.time()}
        if files != settled:
            time.sleep(SETTLE)
            try:
                self._reload(settled)
            except EdgeError as error:  # the traffic has gone over: what nginx serves stays on disk as well
                self.edge.write(files)
                self.unsettled = str(error)
        return proof

    def _reload(self, files):
        self.edge.write(files)
        ok, said = self.edge.dump()
        seen = _nginx.file_in_dump(said, self.edge.path(self.name)) if ok else None
        if _nginx.generation(seen) != _nginx.generation(files[self.name]):
            raise EdgeError(
                "nginx in {0} does not see what was written to {1}: {2}".format(
                    self.edge.name, self.edge.conf_dir, "mount the directory itself" if ok else quoted(said)
                )
            )
        return self.edge.reload()

    @property
    def warning(self):
        """What a person should know of this nginx; None where there is nothing."""
        if self.unsettled:
            return (
                "nginx sends the traffic as it should, but does not follow a container that comes back at another address, "
                "until the next deploy: {0}".format(self.unsettled)
            )
        if self.unprepared:
            return (
                "nginx ran without keepalive_min_timeout until this swap, which so may have dropped one request of every busy "
                "keep-alive connection; the next one drops none"
            )
        if _nginx.drops_no_keepalive(self.version):
            return None
        return (
            "nginx {0} drops about one request of every busy keep-alive connection at a swap; from 1.27.4 on it drops none: "
            "update nginx".format(self._version_text())
        )

    def _version_text(self):
        return ".".join(str(part) for part in self.version)

    def _result(self, changed, **more):
        return dict(more, changed=changed, nginx_version=self._version_text())
