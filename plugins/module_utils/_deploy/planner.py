# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a situation and what was asked for to a plan, and to the files that the plan's color runs from."""

from __future__ import annotations

import json
import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.hotswap.compose.plugins.module_utils._compose.layout import reach_for, split_layout
from ansible_collections.hotswap.compose.plugins.module_utils._compose.render import (
    color_file,
    config_hash,
    exclusive_services_in,
    expected_services,
    image_refs,
    refuse_old_compose,
    render_files,
)
from ansible_collections.hotswap.compose.plugins.module_utils._compose.shared_services import without_services
from ansible_collections.hotswap.compose.plugins.module_utils._compose.single_file import one_shot_services
from ansible_collections.hotswap.compose.plugins.module_utils._compose.surroundings import Surroundings
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.decisions import (
    awaiting_release,
    changes_since,
    live_release,
    refuse_unfit_release,
    rollback_target,
    volumes_in_use,
    way_back,
)
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.migration import migrations_after
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.plan import CREATE, PROMOTE, REFRESH
from ansible_collections.hotswap.compose.plugins.module_utils._deploy.situation import Situation
from ansible_collections.hotswap.compose.plugins.module_utils._docker.containers import edge_addresses, is_ready
from ansible_collections.hotswap.compose.plugins.module_utils._docker.disk_space import DiskSpace
from ansible_collections.hotswap.compose.plugins.module_utils._docker.traffic import (
    can_serve,
    endpoints_of,
    introduce_upstreams,
    traffic_containers,
    upstreams_of,
)
from ansible_collections.hotswap.compose.plugins.module_utils._errors import PlanError
from ansible_collections.hotswap.compose.plugins.module_utils._files import utc_now, write_atomic
from ansible_collections.hotswap.compose.plugins.module_utils._names import (
    COLORS,
    named_services,
    other_color,
    project_name,
    with_color,
)
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.app_file import (
    app_text,
    followed_names,
    is_same_text,
    with_marks,
)
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.preview import (
    closed_preview,
    preview_upstream,
    upstream_variable,
    uses_variables,
)
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.version import follows_addresses
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.vhost import (
    render_server,
    render_vhost,
    vhost_locations,
    vhost_url,
)
from ansible_collections.hotswap.compose.plugins.module_utils._state.directory import UNUSABLE
from ansible_collections.hotswap.compose.plugins.module_utils._state.history import owner_of
from ansible_collections.hotswap.compose.plugins.module_utils._state.lock import AppLock


class Planner:
    """``params``: the options of the module bluegreen_plan; ``run(argv, environ) -> (rc, out, err)``; ``docker``: the
    command; ``docker_logged_in``: the one that pulls."""

    def __init__(self, engine, params, run, docker, docker_logged_in, check_mode):
        self.engine = engine
        self.params = params
        self.run = run
        self.docker = docker
        self.docker_logged_in = docker_logged_in
        self.check_mode = check_mode
        self.app = params["app"]
        self.services = named_services(self.app, params["services"])
        preview, upstreams = params["preview"], [service["upstream"] for service in self.services]
        goes_to = upstream_variable if uses_variables(preview) else str
        self.server = closed_preview(preview, upstreams)
        self.server += render_vhost(self.app, params["vhost"], self.services, goes_to)
        self.now = Situation(engine, params, self.services, self.server, may_judge=not check_mode)
        self.state = self.now.state
        self.beside = Surroundings(engine, params, self.now)
        self.warnings = []
        if self.state.damaged:
            self.warnings.append(
                f"{self.state.damaged}; nothing is known of earlier releases. It is kept as {UNUSABLE}"
            )

    def result(self):
        """Return what the module returns. Raises PlanError, ComposeError or StateError."""
        plan = getattr(self, "_" + self.params["kind"])()
        active, color = self.now.active_containers, self.now.active
        plan.update(
            active_color=color,
            previous_release=live_release(active),
            upstreams=self._both(plan["color"], plan["known"]),
            preview_server=self._preview_server(),
            **self._contents(plan["color"], plan["release"], plan.pop("known")),
            can_go_back=bool(color) and can_serve(active, self.services, color),
            previous_containers=[container["id"] for container in active],
            previous_serving=[each["id"] for each in traffic_containers(active, self.services, color or "")],
            previous_exclusive=self._previous_exclusive(),
            previous_endpoints=self._previous_endpoints(),
            edge_url=self._edge_url(),
            locations=vhost_locations(self.params["vhost"], self.services),
        )
        if color and not plan["can_go_back"]:
            self.warnings.append(f"the active color {color} is not healthy: there is no way back to it")
        images = plan.pop("images")
        before = self._shown(live_release(active), color, _images_of(active), self.now.text)
        after = self._shown(plan["release"], plan["color"], images, plan["content"])
        return {
            "changed": not plan["unchanged"],
            "plan": plan,
            "diff": {"before": before, "after": before if plan["unchanged"] else after},
        }

    # A deploy

    def _deploy(self):
        configs, shared, work = self._laid_out(self._render())
        hashes = {color: config_hash(config) for color, config in configs.items()}
        refs = {color: image_refs(config) for color, config in configs.items()}
        ids = {
            ref: self.engine.image_id(ref) for ref in sorted({ref for named in refs.values() for ref in named.values()})
        }
        active = self.now.active
        reasons = ["nothing has the traffic"]
        if active:
            asked = (self.params["release"], hashes[active], refs[active], ids)
            reasons = changes_since(*asked, self.now.active_containers, self._traffic_services(active))
        reasons += self.beside.reasons(work) if active else []
        if not reasons and not self._file_is_current() and not self._pulls_first():
            return self._refresh()
        color = active if not reasons else other_color(active) if active else COLORS[0]
        self._refuse_missing(configs[color], refs[color], ids)
        download = self._download(configs[color], refs[color], ids)
        deploy = self.params["deploy"] or _new_deploy()
        plan = {
            "deploy": deploy,
            "release": self.params["release"],
            "color": color,
            "how": CREATE,
            "download": download,
            "unchanged": not reasons,
            "reasons": reasons,
            "project": project_name(self.app, color),
            "directory": self.state.deploy_directory(deploy),
            "file": f"compose.{color}.json",
            "services": self._first(configs[color], color),
            "exclusive": self._exclusive(color, configs[color]),
            "exclusive_containers": [],
            "joins": [],
            "shared": work,
            "traffic_services": self._traffic_services(color),
            "containers": [],
            "leftovers": [container["id"] for container in self.now.colors[color] if container["app"] is None],
            "images": {ref: ids[ref] for ref in refs[color].values()},
            "known": self.now.active_containers if not reasons else [],
        }
        files = self._files(configs, hashes, deploy)
        if shared["services"]:
            files[work["file"]] = json.dumps(without_services(shared, work["by_hand"]), indent=1)
        if not self.check_mode:
            self._lay_down(plan, files, hashes[color], refs[color], ids)
            plan["joins"] = self.beside.joins(color, os.path.join(plan["directory"], plan["file"]))
        return plan

    def _refresh(self):
        """The release is live; only nginx's file is not what it would be now: a reload mends that."""
        color, containers = self.now.active, self.now.active_containers
        if not self.check_mode:
            self.state.create()
            self.state.save(unfinished=None)
        return {
            "deploy": containers[0]["deploy"] or "adopted",
            "release": self.params["release"],
            "color": color,
            "how": REFRESH,
            "unchanged": False,
            "reasons": ["nginx's file is not what it would be now, or nginx was never seen to have loaded it"],
            "project": containers[0]["project"],
            "directory": "",
            "file": "",
            "services": sorted({container["service"] for container in containers}),
            **_NOTHING_BESIDE,
            "traffic_services": self._traffic_services(color),
            "containers": [],
            "leftovers": [],
            "images": _images_of(containers),
            "known": containers,
        }

    def _render(self):
        src = self.params["project_src"]
        if not os.path.isdir(src):
            raise PlanError(f"bluegreen_project_src is {src!r}: there is no such directory on the target")
        settings = {key: self.params[key] for key in ("app", "release", "project_src", "compose_files", "env_files")}

        def render(color):
            return render_files(self.run, self.docker, settings, color, self.params["env"])

        paths = [os.path.join(src, with_color(name, color)) for name in settings["compose_files"] for color in COLORS]
        with ThreadPoolExecutor(max_workers=3) as pool:
            recent_enough = pool.submit(refuse_old_compose, self.run, self.docker, paths)
            renderings = pool.map(render, COLORS)
            recent_enough.result()  # its message is the better one
            rendered = dict(zip(COLORS, renderings))
        for _config, said in rendered.values():
            self.warnings.extend(line for line in said if line not in self.warnings)
        return {color: config for color, (config, _said) in rendered.items()}

    def _pulls_first(self):
        """Whether this is decided again, once the images are those of the registry."""
        return self.params["pull"] == "always" and self.params["deploy"] is None and not self.check_mode

    def _download(self, config, refs, ids):
        """What is to be pulled, in words; raises PlanError where there is no room for it."""
        if self.params["pull"] == "never" or self.params["deploy"] is not None:
            return None
        room = DiskSpace(self.engine, self.run, self.docker_logged_in, self.now.active_containers)
        return room.judge(self._to_pull(config, refs, ids), ids)

    def _refuse_missing(self, config, refs, ids):
        if self.params["pull"] != "never":
            return
        for service, ref in refs.items():
            if ids[ref] is None and "build" not in config["services"][service]:
                raise PlanError(
                    f"bluegreen_pull is 'never', but the image {ref} of service {service} is not on the target; load "
                    "it, or let bluegreen_pull be 'missing'"
                )

    def _laid_out(self, configs):
        """Return the configurations of the colors, and that of what runs once."""
        self.volumes = self._volumes_in_use(configs[COLORS[0]])
        colors, shared, warnings = split_layout(self.params, self.services, configs, self.volumes)
        self.warnings += warnings
        work, warnings = self.beside.work(shared, one_shot_services(configs[COLORS[0]]))
        self.warnings += warnings
        return colors, shared, work

    def _volumes_in_use(self, config):
        """Return the volumes to be used again; the journal remembers what containers had that are gone."""
        active_first = sorted(COLORS, key=lambda color: color != self.now.active)
        groups = [self.now.colors[color] for color in active_first] + list(self.now.shared.values())
        seen = volumes_in_use(config, [container for group in groups for container in group])
        noted = self.state.journal.get("volumes", {})
        return {**{key: name for key, name in noted.items() if self.engine.has_volume(name)}, **seen}

    def _exclusive(self, color, config):
        """Return the names of those services of a color's file that start after the swap."""
        named = {with_color(name, color) for name in self.params["exclusive_services"]}
        return [name for name in expected_services(config) if name in named | set(exclusive_services_in(config))]

    def _first(self, config, color):
        """Return those that start before it."""
        exclusive = self._exclusive(color, config)
        return [name for name in expected_services(config) if name not in exclusive]

    def _to_pull(self, config, refs, ids):
        return sorted(
            ref
            for service, ref in refs.items()
            if "build" not in config["services"][service] and (self.params["pull"] == "always" or ids[ref] is None)
        )

    def _file_is_current(self):
        active, containers = self.now.active, self.now.active_containers
        addresses = []
        if not follows_addresses(self.now.nginx_version):
            addresses = edge_addresses(containers, self.params["network"], self.app, active)
        content = self._content(active, live_release(containers), containers)
        current = is_same_text(self.now.text, with_marks(content, addresses=addresses))
        return current and self.state.has_proved(self.now.text)

    def _files(self, configs, hashes, deploy):
        files = {}
        for color, config in configs.items():
            labels = {
                "app": self.app,
                "color": color,
                "release": self.params["release"],
                "deploy": deploy,
                "config": hashes[color],
            }
            reach, exclusive = reach_for(self.params, color), self._exclusive(color, config)
            colored = color_file(config, labels, self.services, exclusive, reach, self.volumes)
            files[f"compose.{color}.json"] = json.dumps(colored, indent=1)
        return files

    def _lay_down(self, plan, files, config_hash, refs, ids):
        again = self.params["deploy"] is not None
        if plan["unchanged"] and again:
            self.state.save(unfinished=None)
            self.state.forget_deploys(self.state.deploys_on_record())
        if plan["unchanged"] and (again or self.params["pull"] != "always"):
            return
        self.state.create()
        # Decided again, after the pull, the color may be the other one; what was here before is as it was noted then.
        self._begin(
            plan,
            config_hash=config_hash,
            refs=refs,
            ids_before=self.state.journal["unfinished"]["ids_before"] if again else ids,
            adopted=self._adopted(),
        )
        self.state.save(volumes=self.volumes)
        self.state.forget_deploys(self.state.deploys_on_record() | {plan["deploy"]})
        os.makedirs(plan["directory"], mode=0o700, exist_ok=True)
        for name, text in files.items():
            write_atomic(os.path.join(plan["directory"], name), text)

    def _adopted(self):
        """Return the record of a stack that somebody started by hand, so that a rollback finds it; else None."""
        containers = self.now.active_containers
        if not containers or any(container["app"] is not None for container in containers):
            return None
        return {
            "release": "",
            "color": self.now.active,
            "deploy": "adopted",
            "deployed_at": utc_now(),
            "images": {
                container["service"]: {"ref": container["image"], "id": container["image_id"], "brought": False}
                for container in containers
            },
            "containers": [container["id"] for container in containers],
            "config_hash": "",
            "outcome": "deployed",
        }

    # A rollback

    def _rollback(self):
        return self._bring(rollback_target(self.app, self.state.journal["releases"], self.params["release"]))

    def _bring(self, record):
        color, how, containers = way_back(record, self.now.colors, self.now.active)
        live = {container["id"] for container in self.now.active_containers}
        unchanged = bool(live) and live <= set(record["containers"]) and self._file_is_current()
        plan = {
            "deploy": record["deploy"],
            "release": record["release"],
            "color": self.now.active if unchanged else color,
            "how": how,
            "unchanged": unchanged,
            "reasons": [] if unchanged else [f"the release is {live_release(self.now.active_containers)}"],
            "project": containers[0]["project"] if containers else project_name(self.app, color),
            "directory": self.state.deploy_directory(record["deploy"]),
            "file": f"rollback.{color}.json",
            **_NOTHING_BESIDE,
            **_apart(containers),
            "traffic_services": self._traffic_services(color),
            "leftovers": [],
            "images": {image["ref"]: image["id"] for image in record["images"].values()},
            "known": self.now.active_containers if unchanged else containers,
        }
        if unchanged:
            return plan
        self._join(plan)
        self.warnings += migrations_after(
            self.state.journal.get("migrations", []), record["release"], record["deployed_at"]
        )
        if how == CREATE:
            config = self._retained(record, color)
            plan.update(services=self._first(config, color), exclusive=self._exclusive(color, config))
            plan["leftovers"] = [container["id"] for container in self.now.colors[color] if container["app"] is None]
            if not self.check_mode:
                write_atomic(os.path.join(plan["directory"], plan["file"]), json.dumps(config, indent=1))
        if not self.check_mode:
            self._begin(plan, **{key: record[key] for key in ("config_hash", "images", "containers")})
        return plan

    def _retained(self, record, color):
        """Return what a release ran from, with the very images it ran with."""
        name = record["release"] or "the stack that was started by hand"
        path = os.path.join(self.state.deploy_directory(record["deploy"]), f"compose.{color}.json")
        try:
            with open(path, encoding="utf-8") as file:
                config = json.load(file)
        except (OSError, ValueError) as error:
            raise PlanError(f"{name} can't come back: its containers are gone, and so is {path}") from error
        by_base = {_base(service): image for service, image in record["images"].items()}
        for service, definition in config["services"].items():
            image = by_base.get(_base(service))
            if image is None:
                continue
            if self.engine.image_id(image["id"]) is None:
                raise PlanError(
                    "{} can't come back: its image {} ({}) is no longer on the target; deploy it again from the "
                    "registry".format(name, image["ref"], image["id"][:19])
                )
            if self.engine.image_id(image["ref"]) != image["id"]:
                definition["image"] = image["id"]
        return config

    # A promotion, or the end of one that will not come

    def _promote(self):
        if self.params["finished"]:
            return self._bring(self.state.journal["releases"][-1])
        record = awaiting_release(self.app, self.state.journal["releases"])
        refuse_unfit_release(record, self.now.colors[record["color"]], self.services)
        return self._awaiting(record)

    def _abort(self):
        return self._awaiting(awaiting_release(self.app, self.state.journal["releases"]))

    def _awaiting(self, record):
        containers = [each for each in self.now.colors[record["color"]] if each["id"] in record["containers"]]
        plan = {
            "deploy": record["deploy"],
            "release": record["release"],
            "color": record["color"],
            "how": PROMOTE,
            "unchanged": False,
            "reasons": ["it awaits its promotion"],
            "project": project_name(self.app, record["color"]),
            "directory": self.state.deploy_directory(record["deploy"]),
            "file": "compose.{color}.json".format(**record),
            **_NOTHING_BESIDE,
            **_apart(containers),
            "traffic_services": self._traffic_services(record["color"]),
            "containers": [],
            "leftovers": [],
            "images": {image["ref"]: image["id"] for image in record["images"].values()},
            "known": containers,
        }
        self._join(plan)
        if not self.check_mode:
            self._begin(plan, **{key: record[key] for key in ("config_hash", "images", "containers", "ids_before")})
        return plan

    # All of them

    def _join(self, plan):
        """Have a release that is there already be on the networks that its file says."""
        path = os.path.join(plan["directory"], "compose.{color}.json".format(**plan))
        plan.update(joins=self.beside.joins(plan["color"], path), shared={"by_hand": self.beside.by_hand()})

    def _begin(self, plan, **more):
        """Have the journal remember what is about to be done, for whoever finds it unfinished."""
        unfinished = dict(
            {key: plan[key] for key in ("deploy", "release", "color", "how")},
            rollback=self.params["kind"] == "rollback",
            services=self.services,
            started=plan["containers"],
            previous=[container["id"] for container in self.now.active_containers],
            previous_exclusive=self._previous_exclusive(),
            exclusive_containers=plan["exclusive_containers"],
            endpoints=self._previous_endpoints(),
            begun_at=utc_now(),
            by=owner_of(AppLock(self.params["state_dir"], self.app).holder()),
            **more,
        )
        self.state.save(unfinished=unfinished)

    def _previous_exclusive(self):
        """Return the ids of the containers that end before those of the other color begin."""
        ended = ("exited", "created", "dead")
        return [each["id"] for each in self.now.active_containers if each["exclusive"] and each["state"] not in ended]

    def _previous_endpoints(self):
        return self._endpoints(self.now.active, self.now.active_containers) if self.now.active else []

    def _traffic_services(self, color):
        return [with_color(service["name"], color) for service in self.services]

    def _contents(self, color, release, containers):
        """Return nginx's file as it is to be, as it would be now, and the one that leads over; see the module's
        RETURN."""
        active = self.now.active
        contents = {"content": self._content(color, release, containers), "previous_content": "", "introduction": ""}
        if active:
            live = live_release(self.now.active_containers)
            contents["previous_content"] = self._content(active, live, self.now.active_containers)
            if self._resolver and color != active:
                upstreams = introduce_upstreams(
                    self._upstreams(active, self.now.active_containers),
                    self._upstreams(color, containers),
                    followed_names(self.now.text),
                )
                contents["introduction"] = self._text(active, live, upstreams)
        return contents

    def _content(self, color, release, containers):
        """Return nginx's file with the traffic at ``color``; ``containers``: those it has, none where they are to be
        made."""
        return self._text(color, release, self._upstreams(color, containers))

    def _text(self, color, release, upstreams):
        return app_text(self.app, color, release or "not known", upstreams, self._resolver, self.server)

    def _upstreams(self, color, containers):
        return upstreams_of(self.app, color, self.services, containers, self.params["nginx_mode"])

    def _both(self, color, containers):
        """Return the upstreams of a color, with the active one's targets beside its own."""
        active = self._upstreams(self.now.active, self.now.active_containers) if self.now.active else []
        beside = {upstream["name"]: upstream["targets"] for upstream in active}
        upstreams = self._upstreams(color, containers)
        return [dict(upstream, active_targets=beside.get(upstream["name"], [])) for upstream in upstreams]

    def _preview_server(self):
        listen = self.params["preview"].get("listen")
        if not listen:
            return ""
        return render_server(self.app, self.params["vhost"], self.services, [listen], preview_upstream)

    @property
    def _resolver(self):
        return self.now.edge.resolver if follows_addresses(self.now.nginx_version) else None

    def _endpoints(self, color, containers):
        return endpoints_of(containers, self.services, color, self.params["network"], self.params["nginx_mode"])

    def _edge_url(self):
        given = self.params["edge_url"]
        if given and given.get("url"):
            return given
        return vhost_url(self.params["vhost"], self.now.edge.address)

    def _shown(self, release, color, images, text):
        lines = [f"release: {release}", f"color: {color}"]
        for ref, image_id in sorted(images.items()):
            lines.append("image: {} {}".format(ref, image_id[:19] if image_id else "(not here yet)"))
        lines += [line for line in (text or "").splitlines() if not line.startswith("#")]
        return "\n".join(lines) + "\n"


def _base(service):
    """Return a service's name without whichever color it has: an image is noted by the color that it first ran in."""
    for color in COLORS:
        service = service.replace(color, "")
    return service


_NOTHING_BESIDE = {"exclusive": [], "exclusive_containers": [], "joins": [], "shared": {}}
"""What a plan has beside a color, where it has nothing of it."""


def _apart(containers):
    """Return what a plan says of containers that are there: those that never run in both colors come after the swap."""
    first = [container for container in containers if not container["exclusive"]]
    return {
        "services": sorted({container["service"] for container in first}),
        "containers": [container["id"] for container in first if not is_ready(container)],
        "exclusive_containers": [container["id"] for container in containers if container["exclusive"]],
        "exclusive": sorted({container["service"] for container in containers if container["exclusive"]}),
    }


def _images_of(containers):
    return {container["image"]: container["image_id"] for container in containers}


def _new_deploy():
    return "{}-{}".format(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), uuid.uuid4().hex[:6])
