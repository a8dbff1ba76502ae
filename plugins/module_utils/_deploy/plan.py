# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a run: the decision of bluegreen_plan, and the basis of the role's later tasks. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .._state.journal import HOWS

CREATE, START, WARM, PROMOTE = HOWS
REFRESH = "refresh"
"""How a color comes up: CREATE from its Compose file, START from its stopped containers, WARM not at all, because it
still runs, PROMOTE from its preview. REFRESH is for the active color: only nginx's file is written again."""


@dataclasses.dataclass
class Plan:
    """Containers are given by their ids, services by their names in the color's Compose file.

    The planner fills in the second half, which is the same for each kind of run.
    """

    deploy: str = ""
    """Identifies the deploy; its files lie in a directory of this name."""

    release: str | None = None
    """The release that gets the traffic; empty for a stack that was started by hand."""

    color: str | None = None
    """The color that gets the traffic."""

    how: str = CREATE
    """How that color comes up: CREATE, START, WARM, PROMOTE or REFRESH."""

    unchanged: bool = False
    """Whether the request is already fulfilled."""

    reasons: list[str] = dataclasses.field(default_factory=list)
    """Why the request is not fulfilled, a short text each."""

    pulls: list[str] = dataclasses.field(default_factory=list)
    """The services of ``file`` whose images are pulled before anything starts."""

    pulled_images: dict[str, bool] = dataclasses.field(default_factory=dict)
    """``{reference: whether the target or a registry is known to have it}``: the images of those services."""

    plans_again: bool = False
    """Whether the run is planned again after the pull and the builds, because the plan has no changes so far, or
    because an image's declarations were unknown."""

    download: str | None = None
    """The size of the pull, such as "45.1 MB to download, 12.3 GB free". None if nothing is pulled after this."""

    builds: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    """``[{image, services, context}]``: the images that are built before anything starts, after the pull."""

    project: str = ""
    """The color's Compose project."""

    directory: str = ""
    """The directory of ``file``."""

    file: str = ""
    """The Compose file that the color runs from."""

    services: list[str] = dataclasses.field(default_factory=list)
    """The services that must have containers before the swap."""

    expected: dict[str, int] = dataclasses.field(default_factory=dict)
    """``{service: number of containers}`` of all services of the color."""

    traffic_services: list[str] = dataclasses.field(default_factory=list)
    """The services that take traffic."""

    probes: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    """The probes of those services, from probes_for(), without their headers."""

    exclusive: list[str] = dataclasses.field(default_factory=list)
    """The services that start after the swap, when those of the active color have stopped."""

    exclusive_containers: list[str] = dataclasses.field(default_factory=list)
    """The containers of those services, if they exist."""

    joins: list[dict[str, str]] = dataclasses.field(default_factory=list)
    """``[{color, file}]``: the files by which containers join networks that no Compose file names."""

    shared: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    """What to do about the shared services; of a deploy alone.

    ``project``, ``file``: what they run from; ``up``: services to start with Compose; ``start``: containers to start;
    ``by_hand``: ``{service: containers}`` that were started by hand; ``absent``: services that don't run as defined;
    ``waits``: ``[{project, services}]`` to wait for before a color starts.
    """

    containers: list[str] = dataclasses.field(default_factory=list)
    """The stopped containers to start."""

    leftovers: list[str] = dataclasses.field(default_factory=list)
    """The containers of that color that were started by hand. They are removed."""

    active_color: str | None = None
    """The color that has the traffic now. None before the first deploy."""

    previous_release: str | None = None
    """The release that has the traffic now. None if there is none, or if it was started by hand."""

    can_go_back: bool = False
    """Whether the active color can take the traffic back."""

    previous_containers: list[str] = dataclasses.field(default_factory=list)
    """The active color's containers, to be retired."""

    previous_exclusive: list[str] = dataclasses.field(default_factory=list)
    """The exclusive services among them, which stop before the other color's exclusive services start."""

    previous_endpoints: list[str] = dataclasses.field(default_factory=list)
    """The ``address:port`` at which nginx reaches them."""

    content: str = ""
    """nginx's file of the app, with the traffic at ``color``."""

    previous_content: str = ""
    """The same file with the traffic at ``active_color``, for the way back. Empty before the first deploy."""

    introduction: str = ""
    """nginx's file before the swap: it names both colors and moves no traffic. Empty if nginx needs none."""

    upstreams: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    """``[{name, targets, active_targets, options}]``: the upstreams of ``color`` and of the active color."""

    preview_server: str = ""
    """The ``server`` block of a preview with a port of its own. Empty without one."""

    edge_url: dict[str, str] | None = None
    """``{url, host}`` of a request through nginx to the app. None if it is not known."""

    locations: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    """The locations of ``bluegreen_vhost``, with their defaults. Empty without one."""

    steps: list[str] = dataclasses.field(default_factory=list)
    """The steps of this run after its plan, in their order (see steps.py)."""

    groups: list[str] = dataclasses.field(default_factory=list)
    """The groups that these steps belong to (see steps.py)."""

    outcome: str = ""
    """The outcome of this run if nothing fails."""

    awaits_promotion: bool = False
    """Whether the release is left ready, without traffic."""

    answer_log: str = ""
    """The deploy for which nginx logs the app's answers, to judge the release. Empty if nginx logs none."""
