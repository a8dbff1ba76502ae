# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A thin client of the Docker Engine, on the Docker SDK for Python: connection, a few calls, and a stream of events.

Every failure to reach or to use the Engine is raised as EngineError, with one clear message.
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

NO_DOCKER = "the docker command is missing on the target; install Docker's client and Compose v2"

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
"""The header of each piece of an attached command's output: its stream and its length."""

LONGEST_LOG = 1 << 18
"""The most bytes of a container's log that are kept, because a single line may have millions."""

FIRST_BACKOFF = 0.1
LONGEST_BACKOFF = 2.0


class Notice(NamedTuple):
    """An event of an EventStream: SUBSCRIBED (detail None), EVENT (the Engine's event) or LOST (the reason, a text)."""

    kind: str
    detail: Any


def connection_settings(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """The module's options, completed from the variables and the context that the docker command also reads.

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
    # A socket has no TLS, even if the environment asks for it.
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
    """The errno of the system's error inside the errors of the HTTP client, or None."""
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
    """One message: what is wrong with the Engine at ``host``, and the remedy."""
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
    explanation = getattr(error, "explanation", None)  # the Engine's own text, without the HTTP around it
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
        """Connect with a module's options (see ENGINE_ARGUMENTS). Raises EngineError."""
        if SDK_IMPORT_ERROR is not None:
            raise EngineError(missing_sdk(SDK_IMPORT_ERROR)) from SDK_IMPORT_ERROR
        settings = connection_settings(options, os.environ if environ is None else environ)
        host, timeout = settings["host"], settings["timeout"]
        try:
            tls = docker.tls.TLSConfig(**settings["tls"]) if settings["tls"] else False
            api = docker.APIClient(base_url=host, version=settings["version"], timeout=timeout, tls=tls)
            if settings["version"] != "auto":
                api.ping()  # with a given version, there was no request yet
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise EngineError(explain(error, host)) from error
        return cls(api, host, timeout)

    def answer_within(self, limit: float) -> None:
        """Limit the wait of the next calls to ``limit`` seconds, and never more than the option allows."""
        self.api.timeout = min(self._longest, limit)

    def list_containers(self, labels: list[str]) -> list[dict[str, Any]]:
        """Summaries of all containers, including stopped ones, that have all of ``labels`` (``name=value``)."""
        return self.call(self.api.containers, all=True, filters={"label": labels})

    def inspect(self, container_id: str) -> dict[str, Any] | None:
        """The container's whole state, or None if there is no such container."""
        return self._found(self.api.inspect_container, container_id)

    def image(self, name: str) -> dict[str, Any] | None:
        """The Engine's data of the image with this reference or id, or None."""
        return self._found(self.api.inspect_image, name)

    def image_id(self, name: str) -> str | None:
        """The id of the image with this reference or id, or None."""
        image = self.image(name)
        return image["Id"] if image else None

    def image_ids(self) -> set[str]:
        """The ids of all images of the Engine."""
        return set(self.call(self.api.images, quiet=True, all=True))

    def volume(self, name: str) -> dict[str, Any] | None:
        """The Engine's data of a volume, or None if there is no such volume."""
        return self._found(self.api.inspect_volume, name)

    def project_networks(self, project: str) -> list[str]:
        """The names of the networks that Compose created for a project."""
        label = f"com.docker.compose.project={project}"
        return sorted(each["Name"] for each in self.call(self.api.networks, filters={"label": label}))

    def join_network(self, container_id: str, network: str, aliases: list[str]) -> None:
        self.call(self.api.connect_container_to_network, container_id, network, aliases=aliases)

    def leave_network(self, container_id: str, network: str) -> None:
        """Disconnect a container from a network, if it exists and is connected."""
        container = self.inspect(container_id)
        if container and network in container["NetworkSettings"]["Networks"]:
            self.call(self.api.disconnect_container_from_network, container_id, network)

    def remove_network(self, name: str) -> None:
        """Disconnect every container from a network and remove it, if it exists."""
        try:
            for container_id in self.call(self.api.inspect_network, name).get("Containers") or {}:
                self.call(self.api.disconnect_container_from_network, container_id, name, force=True)
            self.call(self.api.remove_network, name)
        except EngineError as error:
            if not isinstance(error.__cause__, docker.errors.NotFound):
                raise

    def digest(self, image_id: str, reference: str) -> str | None:
        """The digest of an image in its registry, preferably in ``reference``'s repository. None if it came from no
        registry."""
        names = self.call(self.api.inspect_image, image_id).get("RepoDigests") or []
        known = dict(name.split("@", 1) for name in names)
        return known.get(repository(reference)) or next(iter(known.values()), None)

    @functools.cached_property
    def _info(self) -> dict[str, Any]:
        return self.call(self.api.info)

    @property
    def is_rootless(self) -> bool:
        """Whether the Engine's networks are in their own namespace. This host then can't reach containers by their
        addresses, and another Engine's containers may have the same ones."""
        return "name=rootless" in (self._info.get("SecurityOptions") or [])

    @property
    def data_root(self) -> str:
        """The directory of images and containers, as a path on the Engine's host."""
        return self._info["DockerRootDir"]

    @property
    def architecture(self) -> str:
        """The architecture, as images name it."""
        return {"x86_64": "amd64", "aarch64": "arm64"}.get(self._info["Architecture"], self._info["Architecture"])

    def log_tail(self, container_id: str, lines: int) -> list[str]:
        """The last lines that the container wrote to stdout or stderr, from at most the last LONGEST_LOG bytes."""
        if lines == 0:
            return []
        text = self.call(self._log_end, container_id, lines)
        return text.decode("utf-8", "replace").splitlines()[-lines:]

    def _log_end(self, container_id: str, lines: int) -> bytes:
        framed = not self.api.inspect_container(container_id)["Config"].get("Tty")
        asked = {"stdout": "1", "stderr": "1", "tail": str(lines)}
        # The SDK's logs() would keep the whole log in memory or, as a stream, wait for the Engine without limit.
        answer = self._ask("get", f"containers/{container_id}/logs", params=asked, stream=True)
        with contextlib.closing(answer):
            return end_of(answer.iter_content(1 << 16), LONGEST_LOG, framed)

    def layer_size(self, container_id: str) -> int:
        """Bytes that the container has written outside its mounts. 0 if the Engine does not give them."""
        answer = self.call(self._ask, "get", f"containers/{container_id}/json", params={"size": "1"})
        return answer.json().get("SizeRw", 0)

    def copy_layer(self, container_id: str, labels: dict[str, str]) -> str:
        """Create an image of the container's files as they are now, without its mounts, and return its id. The
        container is not paused."""
        asked = {"container": container_id, "pause": "0"}
        # Older versions of the SDK's commit() always pause the container.
        return self.call(self._ask, "post", "commit", params=asked, json={"Labels": labels}).json()["Id"]

    def archive(self, container_id: str, path: str) -> bytes:
        """The files at ``path``, a directory followed by ``/.``, as the container sees them: a tar archive."""
        chunks, _stat = self.call(self.api.get_archive, container_id, path)
        return b"".join(self.call(list, chunks))

    def execute(self, container: str, argv: list[str], privileged: bool = False) -> tuple[int, bytes, bytes]:
        """Run a command in a container. Return its exit status and its output to stdout and to stderr.

        ``privileged``: as root with all capabilities, not as the container's user.
        """
        user = {"privileged": True, "user": "0"} if privileged else {}
        identity = self.call(self.api.exec_create, container, argv, **user)["Id"]
        # The SDK's exec_start reads from the bare socket, and loses data that arrives together with the headers.
        started = self.call(self._ask, "post", f"exec/{identity}/start", json={"Detach": False, "Tty": False})
        stdout, stderr = unframed(started.content)
        return self.call(self.api.exec_inspect, identity)["ExitCode"], stdout, stderr

    def last_exit_code(self, container_id: str, until: float) -> int | None:
        """The last exit status of a container before ``until``, in seconds since the epoch by the Engine's clock. None
        if the Engine does not have it. The inspection of a container that runs again no longer has it."""
        filters = json.dumps({"container": [container_id], "event": ["die"]})
        # The SDK's events() waits without limit.
        asked = {"since": "0", "until": f"{until:.9f}", "filters": filters}
        ends = self.call(self._ask, "get", "events", params=asked).text.splitlines()
        return int(json.loads(ends[-1])["Actor"]["Attributes"]["exitCode"]) if ends else None

    def _ask(self, method: str, path: str, **more: Any) -> Any:
        address = f"{self.api.base_url}/v{self.api.api_version}/{path}"
        answer = self.api.request(method, address, timeout=self.api.timeout, **more)
        answer.raise_for_status()
        return answer

    def events(self, labels: list[str], actions: list[str]) -> EventStream:
        """A started stream of the events of the containers that have ``labels``."""
        stream = EventStream(self, {"type": "container", "label": labels, "event": actions})
        stream.start()
        return stream

    def _found(self, function: Any, name: str) -> dict[str, Any] | None:
        """The result of a method of ``api`` for ``name``, or None if there is nothing of that name."""
        try:
            return self.call(function, name)
        except EngineError as error:
            if isinstance(error.__cause__, docker.errors.NotFound):
                return None
            raise

    def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        """The result of ``function``, a method of ``api``. Its failures become EngineError."""
        try:
            return function(*args, **kwargs)
        except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
            raise EngineError(explain(error, self.host)) from error


def unframed(stream: bytes) -> tuple[bytes, bytes]:
    """The stdout and the stderr of an attached command's output, which the Engine sends in frames."""
    frames, _rest = _whole_frames(stream)
    stdout, stderr = (b"".join(piece for kind, piece in frames if kind == each) for each in (1, 2))
    return stdout, stderr


def end_of(chunks: Iterable[bytes], longest: int, framed: bool) -> bytes:
    """The last ``longest`` bytes of a log that arrives in chunks. ``framed``: whether the Engine sends it in frames."""
    end = rest = b""
    for chunk in chunks:
        if framed:
            frames, rest = _whole_frames(rest + chunk)
            chunk = b"".join(piece for _kind, piece in frames)
        end = (end + chunk)[-longest:]
    return end


def _whole_frames(stream: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The stream and the content of each whole frame, and the bytes after them."""
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
    """The Engine's events, read in a thread of their own, because subscribing blocks while an Engine hangs.

    When the stream ends (the Engine was restarted), the reader gets LOST, and the stream subscribes again until it
    works. Events between LOST and SUBSCRIBED are missed, so the reader must check everything at each SUBSCRIBED.
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
        """The next notice, or None if there is none within ``timeout`` seconds."""
        try:
            return self._notices.get(timeout=max(timeout, 0)) if timeout > 0 else self._notices.get_nowait()
        except queue.Empty:
            return None

    def tell(self, notice: Notice) -> None:
        """Add a notice that does not come from the Engine."""
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
            except Exception as error:  # for any failure of the HTTP client, the answer is to subscribe again
                reason = explain(error, self._engine.host)
            self._notices.put(Notice(LOST, reason))
            self._closed.wait(backoff)
            backoff = min(backoff * 2, LONGEST_BACKOFF)

    def _read_once(self) -> Iterator[Notice]:
        self._stream = self._engine.api.events(decode=True, filters=self._filters)
        yield Notice(SUBSCRIBED, None)
        for event in self._stream:
            yield Notice(EVENT, event)
