# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A registry of a site's own, in a container."""

from __future__ import annotations

import contextlib
import json
import subprocess
import urllib.request

import docker
from sites import until

IMAGE = "hotswap/registry:2"
USER, PASSWORD = "shop", "sentinel-of-the-registry"
# `htpasswd -nbB shop sentinel-of-the-registry`: no Python of a test's has bcrypt.
LOGIN = "shop:$2b$05$xl96Djdq06vnsWS3wydHp.ouUhrpIZw1V/N2jMeYR/4dfivkA9TN."

CONFIG = """\
version: 0.1
storage:
  inmemory: {}
http:
  addr: :5000
"""
AUTH = """\
auth:
  htpasswd:
    realm: registry
    path: /etc/docker/registry/htpasswd
"""
TLS = """\
  tls:
    certificate: /etc/docker/registry/tls.crt
    key: /etc/docker/registry/tls.key
"""


class Registry:
    """Serves images by ``reference(repository, tag)``; ``publish`` and ``push`` put them there.

    ``login``: whether it wants USER and PASSWORD; ``tls``: whether it speaks HTTPS, with a certificate that nobody
    signed, at an address where Docker insists on it. Goes with the site.
    """

    def __init__(self, site, name="registry", login=False, tls=False):
        self.docker = site.docker
        self.login = {"username": USER, "password": PASSWORD} if login else None
        directory = site.directory / name
        directory.mkdir()
        (directory / "config.yml").write_text(CONFIG + (TLS if tls else "") + (AUTH if login else ""))
        (directory / "htpasswd").write_text(LOGIN + "\n")
        address = self._gateway() if tls else "127.0.0.1"
        self.certificate = directory / "tls.crt"
        if tls:
            _sign(directory, address)
        self.container = self.docker.containers.run(
            IMAGE,
            name=f"{site.name}-{name}",
            ports={"5000/tcp": (address, None)},
            volumes={str(directory): {"bind": "/etc/docker/registry", "mode": "ro"}},
            detach=True,
        )
        self.container.reload()
        self.host = f"{address}:{self.container.ports['5000/tcp'][0]['HostPort']}"
        until(lambda: self._answers(tls), "the registry answers")

    def reference(self, repository, tag=None):
        return f"{self.host}/{repository}" + (f":{tag}" if tag else "")

    def push(self, image, repository, tag):
        """Make an image of the Engine available; the name stays with the image here that has it. Return its digest."""
        name = self.reference(repository, tag)
        here = self.docker.images.list(name)
        image.tag(name)
        said = list(self.docker.api.push(name, stream=True, decode=True, auth_config=self.login))
        if here:
            here[0].tag(name)
        else:
            self.docker.images.remove(name, force=True)
        assert not any("error" in line for line in said), said
        return next(line["aux"]["Digest"] for line in said if "aux" in line)

    def publish(self, site, tag, content=""):
        """Make a release's image, push it, and forget it here. Return its id."""
        image_id = site.image(tag, content)
        self.push(site.docker.images.get(image_id), site.name, tag)
        site.docker.images.remove(f"{site.app}/app:{tag}", force=True)
        return image_id

    def inflate(self, repository, tag, name, size):
        """Publish an image again, as ``name``, with one more layer, of so many bytes by the manifest."""
        url = f"http://{self.host}/v2/{repository}/manifests/"
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        with urllib.request.urlopen(urllib.request.Request(url + tag, headers={"Accept": kind}), timeout=5) as answer:
            manifest = json.load(answer)
        manifest["layers"].append({**manifest["layers"][0], "digest": manifest["config"]["digest"], "size": size})
        put = urllib.request.Request(url + name, json.dumps(manifest).encode(), {"Content-Type": kind}, method="PUT")
        urllib.request.urlopen(put, timeout=5).close()

    def forget(self, site):
        """Remove what the host pulled for the site."""
        for name in site.tags():
            if name.startswith(self.reference(site.name)):
                with contextlib.suppress(docker.errors.APIError):
                    site.docker.images.remove(name, force=True)

    def _gateway(self):
        return self.docker.networks.get("bridge").attrs["IPAM"]["Config"][0]["Gateway"]

    def _answers(self, tls):
        try:
            return urllib.request.urlopen(f"{'https' if tls else 'http'}://{self.host}/v2/", timeout=2).status == 200
        except urllib.error.HTTPError as error:
            return error.code == 401
        except urllib.error.URLError as error:
            return "CERTIFICATE_VERIFY_FAILED" in str(error.reason)


def _sign(directory, address):
    argv = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    argv += ["-days", "2", "-subj", "/CN=registry", "-addext", f"subjectAltName=IP:{address}"]
    argv += ["-keyout", directory / "tls.key", "-out", directory / "tls.crt"]
    subprocess.run(argv, check=True, capture_output=True)
