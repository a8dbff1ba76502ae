# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_upstream_targets
short_description: Read the upstreams of an nginx configuration
version_added: 0.1.0
author:
  - The hotswap.compose authors (!UNKNOWN)
description:
  - Reads the upstreams of an nginx configuration, and the servers that take their requests.
  - It takes one file, a part of a file, or the whole output of C(nginx -T). In that output, it follows every
    C(include).
  - Servers marked C(down) or C(backup) are left out, as are upstreams of nginx's C(stream) module.
  - A text that is truncated or unbalanced, or that defines an upstream twice, is an error. The error names the place.
options:
  _input:
    description: The text of the configuration.
    type: str
    required: true
seealso:
  - plugin: hotswap.compose.nginx_upstream
    plugin_type: filter
    description: The inverse.
"""

EXAMPLES = r"""
- name: Dump what nginx has on disk
  ansible.builtin.command:
    cmd: docker exec nginx nginx -T
  register: nginx_dump
  changed_when: false

- name: Show which containers take the traffic of the shop
  ansible.builtin.debug:
    msg: "{{ (nginx_dump.stdout | hotswap.compose.nginx_upstream_targets)['shop-was'] | map(attribute='host') }}"
# ["shop-blue-was"]
"""

RETURN = r"""
_value:
  description:
    - The name of each upstream, with the list of its servers in the order of the text.
    - A server has C(host), C(port) and C(weight). By default, the port is 80 and the weight is 1.
    - For a socket, C(host) is C(unix:) with its path. C(port) is null for a socket and for a server with C(service=).
  type: dict
  sample:
    shop-was:
      - host: shop-blue-was
        port: 3000
        weight: 1
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import UpstreamError
from ..module_utils._nginx.upstream import parse_upstreams


def nginx_upstream_targets(text):
    try:
        return parse_upstreams(text)
    except UpstreamError as error:
        raise AnsibleFilterError(f"hotswap.compose.nginx_upstream_targets: {error}") from error


class FilterModule:
    """Lists of targets from nginx configurations."""

    def filters(self):
        return {"nginx_upstream_targets": nginx_upstream_targets}
