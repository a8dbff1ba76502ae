# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A registry to pull from, on 127.0.0.1: what `docker save` writes is what a registry serves."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import tarfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import docker


class Registry:
    """Serves images by ``reference(repository, tag)``, to who says username and password, if there are any; ``push``
    puts them there."""

    def __init__(self, username=None, password=None):
        wanted = base64.b64encode(f"{username}:{password}".encode()).decode() if username else None
        self.blobs = {}  # by digest
        self.manifests = {}  # media type and digest, by repository and tag
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                media_type, body = registry.find(self.path)
                if wanted and self.headers.get("Authorization") != f"Basic {wanted}":
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="registry"')
                    body = b"{}"
                else:
                    self.send_response(200 if body is not None else 404)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body or b"")))
                self.send_header("Docker-Distribution-API-Version", "registry/2.0")
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(body or b"")

            do_HEAD = do_GET

            def log_message(self, *args):
                """Be silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def reference(self, repository, tag=None):
        name = f"127.0.0.1:{self.server.server_port}/{repository}"
        return f"{name}:{tag}" if tag else name

    def push(self, image, repository, tag):
        """Make an image of the Engine available; whatever had this tag has it no longer."""
        with tarfile.open(fileobj=io.BytesIO(b"".join(image.save()))) as archive:
            for member in archive.getmembers():
                if member.isfile() and member.name.startswith("blobs/sha256/"):
                    self.blobs["sha256:" + member.name.rpartition("/")[2]] = archive.extractfile(member).read()
            index = json.load(archive.extractfile("index.json"))
        manifest = index["manifests"][0]
        self.manifests[repository, tag] = manifest["mediaType"], manifest["digest"]
        self.manifests[repository, manifest["digest"]] = self.manifests[repository, tag]

    def publish(self, site, tag, content=""):
        """Make a release's image, push it, and forget it here. Return its id."""
        image_id = site.image(tag, content)
        self.push(site.docker.images.get(image_id), site.name, tag)
        site.docker.images.remove(f"{site.app}/app:{tag}", force=True)
        return image_id

    def forget(self, site):
        """Remove what the host pulled for the site."""
        for name in site.tags():
            if name.startswith(self.reference(site.name)):
                with contextlib.suppress(docker.errors.APIError):
                    site.docker.images.remove(name, force=True)

    def find(self, path):
        """Return media type and body of what a path of the registry's API means; (…, None) where there is nothing."""
        place, _slash, name = path.removeprefix("/v2/").rpartition("/")
        repository, _slash, kind = place.rpartition("/")
        if kind == "manifests" and (repository, name) in self.manifests:
            media_type, digest = self.manifests[repository, name]
            return media_type, self.blobs[digest]
        if kind == "blobs":
            return "application/octet-stream", self.blobs.get(name)
        return "application/json", b"{}" if path == "/v2/" else None
