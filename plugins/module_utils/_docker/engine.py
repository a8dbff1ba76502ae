# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin client of the Docker Engine, by the Docker SDK for Python: connection, the few calls we need, and a stream of
events.

Every failure to reach or to use the Engine is raised as EngineError, whose text is one clear message for a person.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import os
import platform
import queue
import struct
import sys
import threading
from typing import Any, Iterable, Iterator, Mapping, NamedTuple

from .._errors import EngineError
from .address import engine_address

try:
    import docker
    import docker.errors
    import requests.exceptions
except ImportError as error:
    SDK_IMPORT_ERROR: ImportError | None = error
else:
    SDK_IMPORT_ERROR = None

# Options of every module that talks to the Engine; documented in the fragment hotswap.compose._docker.
ENGINE_ARGUMENTS: dict[str, dict[str, Any]] = {
    "docker_host": {"type": "str"},
    "api_version": {"type": "str"},
    "api_timeout": {"type": "float", "default": 60},
    "tls": {"type": "bool"},
    "tls_verify": {"type": "bool"},
    "ca_cert": {"type": "path"},
    "client_cert": {"type": "path"},
    "client_key": {"type": "path"},
}

SUBSCRIBED = "subscribed"
EVENT = "event"
LOST = "lost"

_FRAME = struct.Struct(">BxxxL")
"""Before each piece of an attached command's output: which stream it is of, and its length."""

LONGEST_LOG = 1 << 18
"""Bytes of a container's log that are kept, at most: a single line may have millions."""

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0


class Notice(NamedTuple):
    """What an EventStream tells: SUBSCRIBED (detail None), EVENT (the Engine's event) or LOST (the reason, a text)."""

    kind: str
    detail: Any


def connection_settings(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The module's options, completed from the variables and the context that the docker command reads too.

    Returns ``host``, ``version``, ``timeout`` and ``tls``: None, or ``verify``, ``ca_cert`` and ``client_cert`` (None
    or a pair).
    """
    host, _source = engine_address(options.get("docker_host"), environ)
    directory = environ.get("DOCKER_CERT_PATH")
    verify = options.get("tls_verify")
    if verify is None:
        verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    settings: dict[str, Any] = {
        "host": host,
        "version": options.get("api_version") or environ.get("DOCKER_API_VERSION") or "auto",
        "timeout": options.get("api_timeout") or 60,
        "tls": None,
    }
    # A socket has no TLS, whatever the environment says for other hosts.
    if host.startswith(("unix://", "ssh://")) or not (options.get("tls") or verify):
        return settings

    def file_of(option: str, name: str) -> str | None:
        return options.get(option) or (os.path.join(directory, name) if directory else None)

    certificate, key = file_of("client_cert", "cert.pem"), file_of("client_key", "key.pem")
    settings["tls"] = {
        "verify": verify,
        "ca_cert": file_of("ca_cert", "ca.pem"),
        "client_cert": (certificate, key) if certificate and key else None,
    }
    return settings


def errno_in(error: BaseException | None) -> int | None:
    """The errno of the system's error that the layers of the HTTP client wrapped; None where there is none."""
    seen = set()
    waiting: list[Any] = [error]
    while waiting:
        current = waiting.pop()
        if not isinstance(current, BaseException) or id(current) in seen:
            continue
        seen.add(id(current))
        if isinstance(current, OSError) and isinstance(current.errno, int):
            return current.errno
        waiting += [*current.args, getattr(current, "reason", None), current.__cause__, current.__context__]
    return None


def explain(error: BaseException, host: str) -> str:
    """One message for a person: what is wrong with the Engine at ``host``, and the remedy."""
    number = errno_in(error)
    if number in (errno.EACCES, errno.EPERM):
        return (
            f"no permission to use the Docker Engine at {host}; run the task with become, or add the user (uid "
            f"{os.geteuid()}) to the socket's group (usually docker)"
        )
    if number in (errno.ENOENT, errno.ECONNREFUSED):
        return (
            f"no Docker Engine answers at {host} ({os.strerror(number)}); start it, or set docker_host (in the role: "
            "bluegreen_docker_host)"
        )
    if "timed out" in str(error).lower():
        return f"the Docker Engine at {host} did not answer in time: {error}"
    explanation = getattr(error, "explanation", None)  # what the Engine itself says, without the HTTP around it
    if explanation:
        return f"the Docker Engine at {host} rejected the request: {explanation}"
    return f"the Docker Engine at {host} can't be used: {error}"


def missing_sdk(error: ImportError) -> str:
    return (
        f"the Docker SDK for Python is missing on {platform.node()} for {sys.executable} ({error}); install the "
        "package python3-docker or, with that Python's pip, docker, or set ansible_python_interpreter to a Python "
        "that has it"
    )


def repository(reference: str) -> str:
    """An image's reference without its tag or digest."""
    name = reference.partition("@")[0]
    place, slash, last = name.rpartition("/")
    return place + slash + last.partition(":")[0]


class Engine:
    """A connected Engine. Its calls may be used from several threads."""

    def __init__(self, api: Any, host: str, timeout: float) -> None:
        self.api = api
        self.host = host
        self._longest = timeout

    @classmethod
    def connect(cls, options: Mapping[str, Any], environ: Mapping[str, str] | None = None) -> Engine:
        """Connect by a module's options (see ENGINE_ARGUMENTS); EngineError where it can't."""
        if SDK_IMPORT_ERROR is not None:
            raise EngineError(missing_sdk(SDK_IMPORT_ERROR)) from SDK_IMPORT_ERROR
        settings = connection_settings(options, os.environ if environ is None else environ)
        host, timeout = settings["host"], settings["timeout"]
        try:
            tls = docker.tls.TLSConfig(**settings["tls"]) if settings["tls"] else False
            api = docker.APIClient(base_url=host, version=settings["version"], timeout=timeout, tls=tls)
            if settings["version"] != "auto":
                api.ping()  # with a version given, nothing has been asked of the Engine yet
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise EngineError(explain(error, host)) from error
        return cls(api, host, timeout)

    def answer_within(self, limit: float) -> None:
        """Let the next calls wait at most ``limit`` seconds for the Engine, and never longer than the option allows."""
        self.api.timeout = min(self._longest, limit)

    def list_containers(self, labels: list[str]) -> list[dict[str, Any]]:
        """Summaries of all containers, stopped ones too, that carry all of ``labels`` (``name=value``)."""
        return self.call(self.api.containers, all=True, filters={"label": labels})

    def inspect(self, container_id: str) -> dict[str, Any] | None:
        """The container's whole state, or None where there is no such container."""
        return self._found(self.api.inspect_container, container_id)

    def image(self, name: str) -> dict[str, Any] | None:
        """What the Engine has of the image that ``name`` (a reference or an id) names here, or None."""
        return self._found(self.api.inspect_image, name)

    def image_id(self, name: str) -> str | None:
        """The id of the image that ``name`` (a reference or an id) names here, or None."""
        image = self.image(name)
        return image["Id"] if image else None

    def image_ids(self) -> set[str]:
        """The ids of all images that are here."""
        return set(self.call(self.api.images, quiet=True, all=True))

    def volume(self, name: str) -> dict[str, Any] | None:
        """What the Engine has of a volume, or None where there is no such volume."""
        return self._found(self.api.inspect_volume, name)

    def project_networks(self, project: str) -> list[str]:
        """The names of the networks that Compose made for a project."""
        label = f"com.docker.compose.project={project}"
        return sorted(each["Name"] for each in self.call(self.api.networks, filters={"label": label}))

    def join_network(self, container_id: str, network: str, aliases: list[str]) -> None:
        self.call(self.api.connect_container_to_network, container_id, network, aliases=aliases)

    def leave_network(self, container_id: str, network: str) -> None:
        """Take a container off a network; nothing where it is gone, or not on it."""
        container = self.inspect(container_id)
        if container and network in container["NetworkSettings"]["Networks"]:
            self.call(self.api.disconnect_container_from_network, container_id, network)

    def remove_network(self, name: str) -> None:
        """Take every container off a network, and remove it; nothing where it is gone."""
        try:
            for container_id in self.call(self.api.inspect_network, name).get("Containers") or {}:
                self.call(self.api.disconnect_container_from_network, container_id, name, force=True)
            self.call(self.api.remove_network, name)
        except EngineError as error:
            if not isinstance(error.__cause__, docker.errors.NotFound):
                raise

    def digest(self, image_id: str, reference: str) -> str | None:
        """The digest by which a registry knows an image, of ``reference``'s repository where it has several; None where
        it came from none."""
        names = self.call(self.api.inspect_image, image_id).get("RepoDigests") or []
        known = dict(name.split("@", 1) for name in names)
        return known.get(repository(reference)) or next(iter(known.values()), None)

    @functools.cached_property
    def _info(self) -> dict[str, Any]:
        return self.call(self.api.info)

    @property
    def is_rootless(self) -> bool:
        """Whether its networks are in a namespace of their own, where this host does not reach containers by their
        addresses; the same addresses may be those of another Engine's containers."""
        return "name=rootless" in (self._info.get("SecurityOptions") or [])

    @property
    def data_root(self) -> str:
        """The directory of images and containers, as the Engine's host has it."""
        return self._info["DockerRootDir"]

    @property
    def architecture(self) -> str:
        """As images have it."""
        return {"x86_64": "amd64", "aarch64": "arm64"}.get(self._info["Architecture"], self._info["Architecture"])

    def log_tail(self, container_id: str, lines: int) -> list[str]:
        """The last lines that the container wrote, to stdout or stderr; of longer ones the last LONGEST_LOG bytes."""
        if lines == 0:
            return []
        text = self.call(self._log_end, container_id, lines)
        return text.decode("utf-8", "replace").splitlines()[-lines:]

    def _log_end(self, container_id: str, lines: int) -> bytes:
        framed = not self.api.inspect_container(container_id)["Config"].get("Tty")
        asked = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        # Not by the SDK's logs(): it has all of it in memory or, as a stream, waits for the Engine without limit.
        answer = self._ask("get", f"containers/{container_id}/logs", params=asked, stream=True)
        with contextlib.closing(answer):
            return end_of(answer.iter_content(1 << 16), LONGEST_LOG, framed)

    def layer_size(self, container_id: str) -> int:
        """Bytes that the container has written outside of its mounts; 0 where the Engine does not say."""
        answer = self.call(self._ask, "get", f"containers/{container_id}/json", params={"size": "1"})
        return answer.json().get("SizeRw", 0)

    def copy_layer(self, container_id: str, labels: dict[str, str]) -> str:
        """Make an image of the container's files as they are now, without its mounts, and return its id. The container
        is not paused."""
        asked = {"container": container_id, "pause": "0"}
        # Not by the SDK's commit(): the older ones always pause the container.
        return self.call(self._ask, "post", "commit", params=asked, json={"Labels": labels}).json()["Id"]

    def archive(self, container_id: str, path: str) -> bytes:
        """The files at ``path``, a directory followed by ``/.``, as the container sees them: a tar archive."""
        chunks, _stat = self.call(self.api.get_archive, container_id, path)
        return b"".join(self.call(list, chunks))

    def execute(self, container: str, argv: list[str], privileged: bool = False) -> tuple[int, bytes, bytes]:
        """Run a command in a container; return its exit status, and what it wrote to stdout and to stderr.

        ``privileged``: by root with all capabilities, not by the container's user.
        """
        user = {"privileged": True, "user": "0"} if privileged else {}
        identity = self.call(self.api.exec_create, container, argv, **user)["Id"]
        # Not by the SDK's exec_start: it reads from the bare socket, and loses what came in one piece with the headers.
        started = self.call(self._ask, "post", f"exec/{identity}/start", json={"Detach": False, "Tty": False})
        stdout, stderr = unframed(started.content)
        return self.call(self.api.exec_inspect, identity)["ExitCode"], stdout, stderr

    def last_exit_code(self, container_id: str, until: float) -> int | None:
        """With what a container last exited before ``until``, in seconds since the epoch by the Engine's clock; None
        where the Engine does not remember. Of one that runs again, its inspection no longer says it."""
        filters = json.dumps({"container": [container_id], "event": ["die"]})
        # Not by the SDK's events(), which waits without limit.
        asked = {"since": "0", "until": f"{until:.9f}", "filters": filters}
        ends = self.call(self._ask, "get", "events", params=asked).text.splitlines()
        return int(json.loads(ends[-1])["Actor"]["Attributes"]["exitCode"]) if ends else None

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        address = f"{self.api.base_url}/v{self.api.api_version}/{path}"
        answer = self.api.request(method, address, timeout=self.api.timeout, **more)
        answer.raise_for_status()
        return answer

    def events(self, labels: list[str], actions: list[str]) -> EventStream:
        """A started stream of the events of the containers that carry ``labels``."""
        stream = EventStream(self, {"type": "container", "label": labels, "event": actions})
        stream.start()
        return stream

    def _found(self, function: Any, name: str) -> dict[str, Any] | None:
        """What a method of ``api`` returns for ``name``; None where there is nothing of that name."""
        try:
            return self.call(function, name)
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """What ``function``, a method of ``api``, returns; its failures as EngineError."""
        try:
            return function(*args, **kwargs)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise EngineError(explain(error, self.host)) from error


def unframed(stream: bytes) -> tuple[bytes, bytes]:
    """What of an attached command's output is stdout, and what is stderr; the Engine sends both in frames."""
    frames, _rest = _whole_frames(stream)
    stdout, stderr = (b"".join(piece for kind, piece in frames if kind == each) for each in (1, 2))
    return stdout, stderr


def end_of(chunks: Iterable[bytes], longest: int, framed: bool) -> bytes:
    """The last ``longest`` bytes of a log that comes in chunks; ``framed``: whether the Engine sends it in frames."""
    end = rest = b""
    for chunk in chunks:
        if framed:
            frames, rest = _whole_frames(rest + chunk)
            chunk = b"".join(piece for _kind, piece in frames)
        end = (end + chunk)[-longest:]
    return end


def _whole_frames(stream: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The stream and the content of each frame that is whole, and the bytes after those."""
    frames, at = [], 0
    while at + _FRAME.size <= len(stream):
        kind, size = _FRAME.unpack_from(stream, at)
        end = at + _FRAME.size + size
        if end > len(stream):
            break
        frames.append((kind, stream[at + _FRAME.size : end]))
        at = end
    return frames, stream[at:]


class EventStream:
    """The Engine's events, read by a thread of their own: subscribing blocks for as long as an Engine hangs.

    When the stream ends (the Engine was restarted), it says LOST and subscribes again until it can. Events between LOST
    and SUBSCRIBED are missed, so whoever reads looks at everything at each SUBSCRIBED.
    """

    def __init__(self, engine: Engine, filters: dict[str, Any]) -> None:
        self._engine = engine
        self._filters = filters
        self._notices: queue.Queue = queue.Queue()
        self._closed = threading.Event()
        self._stream: Any = None

    def start(self) -> None:
        threading.Thread(target=self._read_for_ever, name="engine-events", daemon=True).start()

    def next(self, timeout: float) -> Notice | None:
        """The next notice, or None where there is none within ``timeout`` seconds."""
        try:
            return self._notices.get(timeout=max(timeout, 0)) if timeout > 0 else self._notices.get_nowait()
        except queue.Empty:
            return None

    def tell(self, notice: Notice) -> None:
        """Have ``next`` return a notice that is not of the Engine."""
        self._notices.put(notice)

    def close(self) -> None:
        self._closed.set()
        if self._stream is not None:
            # Over ssh:// a stream can't be closed; the thread is a daemon and ends with us.
            with contextlib.suppress(Exception):
                self._stream.close()

    def _read_for_ever(self) -> None:
        backoff = FIRST_BACKOFF
        while not self._closed.is_set():
            reason = "the Engine ended the stream of events"
            try:
                for notice in self._read_once():
                    backoff = FIRST_BACKOFF
                    self._notices.put(notice)
            except Exception as error:  # whatever breaks in the HTTP client's depths, the answer is to subscribe again
                reason = explain(error, self._engine.host)
            self._notices.put(Notice(LOST, reason))
            self._closed.wait(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)

    def _read_once(self) -> Iterator[Notice]:
        self._stream = self._engine.api.events(decode=True, filters=self._filters)
        yield Notice(SUBSCRIBED, None)
        for event in self._stream:
            yield Notice(EVENT, event)
