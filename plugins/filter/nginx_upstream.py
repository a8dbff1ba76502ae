# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: nginx_upstream
short_description: Write an nginx upstream block
version_added: 0.1.0
author:
  - The hotswap.compose authors (!UNKNOWN)
description:
  - Turns a list of targets into one C(upstream) block of an nginx configuration.
  - It is strict. A name, host, port or weight that is not valid in nginx's configuration is an error. Nothing is
    escaped.
  - The same targets give the same text, so that a file changes only if the traffic changes.
positional: name, resolver
options:
  _input:
    description: The servers that share the traffic, in the order in which they are written.
    type: list
    elements: dict
    required: true
    suboptions:
      host:
        description: A DNS name as Docker gives them, an IPv4 address, or an IPv6 address in brackets.
        type: str
        required: true
      port:
        description: A port from 1 to 65535.
        type: int
        required: true
      weight:
        description: The share of this server, from 1 to 65535.
        type: int
        default: 1
      down:
        description:
          - Whether nginx has this server in its configuration but sends it no requests. With O(resolver), it then has
            the addresses before the first request.
          - At least one target must not be down.
        type: bool
        default: false
      at_load:
        description:
          - Whether nginx looks this host up only once, when it loads its configuration, even with a O(resolver).
        type: bool
        default: false
  name:
    description:
      - The name of the upstream. It has a letter and then up to 127 letters, digits, dots, underscores or hyphens.
    type: str
    required: true
  resolver:
    description:
      - The address of the DNS server with which nginx looks up host names again while it runs. Docker's is
        V(127.0.0.11).
      - Without it, nginx looks names up once, when it loads its configuration.
      - It needs nginx 1.27.3 or newer.
    type: str
seealso:
  - plugin: hotswap.compose.nginx_upstream_targets
    plugin_type: filter
    description: The inverse.
"""

EXAMPLES = r"""
- name: Send the traffic of the shop to its blue color
  ansible.builtin.copy:
    content: "{{ targets | hotswap.compose.nginx_upstream('shop-was') }}"
    dest: /etc/nginx/conf.d/shop.conf
    mode: "0644"
  vars:
    targets:
      - host: shop-blue-was
        port: 3000

- name: Show a block that gives a tenth to green and follows the containers' addresses
  ansible.builtin.debug:
    msg: "{{ targets | hotswap.compose.nginx_upstream('shop-was', resolver='127.0.0.11') }}"
  vars:
    targets:
      - host: shop-blue-was
        port: 3000
        weight: 9
      - host: shop-green-was
        port: 3000
# upstream shop-was {
#     zone shop-was 64k;
#     resolver 127.0.0.11 valid=2s ipv6=off;
#     server shop-blue-was:3000 weight=9 resolve;
#     server shop-green-was:3000 resolve;
# }
"""

RETURN = r"""
_value:
  description: The block, with a newline at its end.
  type: str
"""

from ansible.errors import AnsibleFilterError

from ..module_utils._errors import UpstreamError
from ..module_utils._nginx.upstream import render_upstream


def nginx_upstream(targets, name, resolver=None):
    try:
        return render_upstream(name, targets, resolver=resolver)
    except UpstreamError as error:
        raise AnsibleFilterError(f"hotswap.compose.nginx_upstream: {error}") from error


class FilterModule:
    """nginx upstream blocks from lists of targets."""

    def filters(self):
        return {"nginx_upstream": nginx_upstream}
