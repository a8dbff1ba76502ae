# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """How a module reaches the Docker Engine: the options of ENGINE_ARGUMENTS in module_utils/_docker/engine.py."""

    DOCUMENTATION = r"""
options:
  docker_host:
    description:
      - The URL of the Docker Engine, as seen from the target.
      - Without it, the environment variable E(DOCKER_HOST) applies, then the Docker context (E(DOCKER_CONTEXT) or
        C(docker context use)), as for the docker command. Without any of these, V(unix:///var/run/docker.sock).
    type: str
  api_version:
    description:
      - The version of the Engine's API to use.
      - Without it, the environment variable E(DOCKER_API_VERSION) applies. Without both, the newest version that both
        sides support.
    type: str
  api_timeout:
    description: For how many seconds to wait for a single answer of the Engine.
    type: float
    default: 60
  tls:
    description:
      - Encrypt the connection. The Engine's certificate is only verified with O(tls_verify).
      - A socket (C(unix://) or C(ssh://)) never uses TLS.
    type: bool
  tls_verify:
    description:
      - Encrypt the connection, and verify the Engine's certificate.
      - Without it, the environment variable E(DOCKER_TLS_VERIFY) applies.
    type: bool
  ca_cert:
    description:
      - The file with the certificate authority that signed the Engine's certificate.
      - Without it, C(ca.pem) in the directory that the environment variable E(DOCKER_CERT_PATH) names.
    type: path
  client_cert:
    description:
      - The file with the client's certificate.
      - Without it, C(cert.pem) in the directory that the environment variable E(DOCKER_CERT_PATH) names.
    type: path
  client_key:
    description:
      - The file with the client's key.
      - Without it, C(key.pem) in the directory that the environment variable E(DOCKER_CERT_PATH) names.
    type: path
requirements:
  - Docker SDK for Python (C(docker)) on the target
"""
