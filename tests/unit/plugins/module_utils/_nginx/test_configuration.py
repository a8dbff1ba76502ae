# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import time

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import UpstreamError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.configuration import (
    connect_timeouts,
    directives_of,
    http_settings,
    main_setting,
    proxied_hosts,
)
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import parse_upstreams


def test_the_hosts_that_requests_are_sent_to():
    text = (
        "server { location / { proxy_pass http://WEB:3000/app/; }\n"
        "location /ws { proxy_pass http://shop-web; }\n"
        "location /at { proxy_pass http://127.0.0.1:8000$request_uri; } }"
    )
    assert proxied_hosts(text) == [(None, 1, "web:3000"), (None, 2, "shop-web"), (None, 3, "127.0.0.1:8000")]


def timeouts_of(http, names=("shop-was", "$bluegreen_shop_was")):
    """The seconds by the lines of the included file."""
    dump = (
        "# configuration file /nginx.conf:\nevents { }\nhttp {\n    include c/*.conf;\n}\n"
        f"# configuration file /c/site.conf:\n{http}\n"
    )
    found = connect_timeouts(dump, names)
    assert {file for file, _line, _seconds in found} <= {"/c/site.conf"}
    return {line: seconds for _file, line, seconds in found}


@pytest.mark.parametrize(
    "http, expected",
    [
        ("server { location / { proxy_pass http://shop-was; } }", {1: 60}),
        ("server { location / { proxy_pass https://SHOP-was/app/; } }", {1: 60}),
        ("server { location / { proxy_pass http://shop-was$request_uri; } }", {1: 60}),
        ("server { location / { proxy_pass http://$bluegreen_shop_was; } }", {1: 60}),
        ("server { location / { proxy_pass http://shop-was2; } }", {}),
        ("server { location / { proxy_pass http://$somewhere; } }", {}),
        ("server { location / { grpc_pass grpc://shop-was; } }", {}),
        ("server { location / { return 200; } }", {}),
        ("server { proxy_connect_timeout 4s; location / { proxy_pass http://shop-was; } }", {1: 4}),
        ("server { location / { proxy_pass http://shop-was; } proxy_connect_timeout 4s; }", {1: 4}),
        ("proxy_connect_timeout 4s; server { location / { proxy_pass http://shop-was; } }", {1: 4}),
        (
            "proxy_connect_timeout 4s;\nserver { proxy_connect_timeout 5; location / {\nproxy_pass http://shop-was;\n"
            "if ($a) {\nproxy_connect_timeout 7s; proxy_pass http://shop-was; } } }",
            {3: 5, 5: 7},
        ),
        (
            "server { location / { proxy_connect_timeout 4s; proxy_pass http://shop-was; }\n"
            "location /b { proxy_pass http://shop-was; } }",
            {1: 4, 2: 60},
        ),
        ("server { location / { location /b { proxy_pass http://shop-was; } } }", {1: 60}),
        ("server { proxy_connect_timeout 250ms; location / { proxy_pass http://shop-was; } }", {1: 0.25}),
        ('server { proxy_connect_timeout "1m 30s"; location / { proxy_pass http://shop-was; } }', {1: 90}),
        ("server { proxy_connect_timeout 1m5; location / { proxy_pass http://shop-was; } }", {1: 65}),
        ("server { proxy_connect_timeout 1111111111111111111111x; location / { proxy_pass http://shop-was; } }", {}),
    ],
)
def test_connect_timeouts(http, expected):
    assert timeouts_of(http) == expected


def test_connect_timeouts_of_a_deep_configuration():
    assert timeouts_of("a {" * 5000 + "proxy_pass http://shop-was;" + "}" * 5000) == {1: 60}


def test_connect_timeouts_of_an_include_within_a_server():
    dump = (
        "# configuration file /nginx.conf:\nhttp { server { proxy_connect_timeout 4s; include c/*; } }\n"
        "# configuration file /c/locations:\nlocation / {\nproxy_pass http://shop-was; }\n"
    )
    assert connect_timeouts(dump, ["shop-was"]) == [("/c/locations", 2, 4)]


def test_connect_timeouts_of_what_is_truncated():
    with pytest.raises(UpstreamError, match="truncated"):
        timeouts_of("server {")


def test_settings_of_the_http_block():
    dump = (
        "# configuration file /nginx.conf:\naccess_log /a;\nhttp { include c/*; access_log /b main; }\n"
        "# configuration file /c/ours:\naccess_log /c;\n"
        "# configuration file /c/site:\naccess_log off;\nserver { access_log /d; }\n"
    )
    settings = [["/c"], ["off"], ["/b", "main"]]
    assert http_settings(dump, "access_log")[-3:] == settings
    assert ["/c"] not in http_settings(dump, "access_log", but="ours")


def test_a_main_setting_may_be_in_an_included_file():
    dump = (
        "# configuration file /n/nginx.conf:\ninclude main.d/*.conf;\nhttp { pid no; }\n"
        "# configuration file /n/main.d/a.conf:\npid /run/n.pid;\n"
    )
    assert main_setting(dump, "pid") == ["/run/n.pid"]
    assert main_setting(dump, "error_log") is None
    assert main_setting("", "pid") is None


def test_directives_of_a_deep_configuration_in_their_order():
    assert list(directives_of("a { b; c { d; } } e;")) == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert len(list(directives_of("a {" * 5000 + "}" * 5000))) == 5000


def vhosts(number):
    """What ``nginx -T`` prints of vhosts with four includes each."""
    main = "# configuration file /etc/nginx/nginx.conf:\nevents { }\nhttp { include sites/*.conf; }\n"
    parts = [main]
    for i in range(number):
        parts.append(
            f"# configuration file /etc/nginx/sites/{i}.conf:\nserver {{\n include snippets/ssl;\n"
            f" include vhosts/{i}/*.conf;\n include vhosts/{i}/own;\n location / {{ include snippets/proxy;"
            f" proxy_pass http://shop; }}\n}}\nupstream u{i} {{ include vhosts/{i}/servers; }}\n"
        )
        if not i:
            parts.append("# configuration file /etc/nginx/snippets/ssl:\n# configuration file of ours\n")
            parts.append("# configuration file /etc/nginx/snippets/proxy:\nproxy_connect_timeout 4s;\n")
        for name in ("a.conf", "own"):
            parts.append(f"# configuration file /etc/nginx/vhosts/{i}/{name}:\nset $a {i};\n")
        parts.append(f"# configuration file /etc/nginx/vhosts/{i}/servers:\nserver b:1;\n")
    return "".join(parts)


def test_the_time_of_a_reading_grows_with_the_number_of_files_alone():
    def seconds(number):
        dump = vhosts(number)
        began = time.process_time()
        assert len(parse_upstreams(dump)) == number
        assert len(connect_timeouts(dump, ["shop"])) == number
        return time.process_time() - began

    few = seconds(100)
    assert seconds(1000) < 40 * max(few, 0.01)
