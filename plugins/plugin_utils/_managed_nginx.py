# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nginx container that the role runs itself (``bluegreen_nginx_manage``). Pure."""

from __future__ import annotations

import os


def nginx_volumes(settings):
    """Return the volumes of an nginx container that the role runs: the conf dir and the directories of certificates."""
    volumes = [settings["nginx_conf_dir"] + ":/etc/nginx/conf.d:ro"]
    tls = (settings.get("vhost") or {}).get("tls") or {}
    return volumes + sorted({"{0}:{0}:ro".format(os.path.dirname(path)) for path in tls.values()})
