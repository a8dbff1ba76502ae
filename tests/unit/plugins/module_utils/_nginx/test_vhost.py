# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._names import named_services
from ansible_collections.hotswap.compose.plugins.module_utils._nginx import vhost
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.configuration import directives_of
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.directives import read_directives

SERVICES = named_services("my-shop", [{"name": "was-{color}", "port": 3000}, {"name": "signal-{color}", "port": 3001}])
NAMES = [service["name"] for service in SERVICES]
TLS = {"certificate": "/etc/ssl/shop.pem", "key": "/etc/ssl/shop.key"}


def asked(**more):
    return dict({"server_names": ["shop.example.com"]}, **more)


def at(path="/", service="was-{color}", **more):
    return dict({"path": path, "service": service}, **more)


@pytest.mark.parametrize("empty", [None, {}])
def test_where_the_user_writes_the_server(empty):
    assert list(vhost.vhost_problems(empty, NAMES)) == []
    assert vhost.render_vhost("my-shop", empty, SERVICES) == ""
    assert vhost.vhost_url(empty, "172.18.0.2") is None


def test_all_paths_go_to_the_first_service():
    assert vhost.render_vhost("my-shop", asked(), SERVICES) == (
        "server {\n"
        "    listen 80;\n"
        "    server_name shop.example.com;\n"
        "    proxy_http_version 1.1;\n"
        "    proxy_connect_timeout 4s;\n"
        "    location / {\n"
        "        proxy_pass http://my-shop-was;\n"
        "        proxy_set_header Host $host;\n"
        "        proxy_set_header X-Real-IP $remote_addr;\n"
        "        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
        "        proxy_set_header X-Forwarded-Proto $scheme;\n"
        '        proxy_set_header Connection "";\n'
        "    }\n"
        "}\n"
    )


@pytest.mark.parametrize("seconds, place", [((4, 10), None), ((4, 60), "line 9"), ((60, 60), "line 8")])
def test_warning_of_a_long_connect_timeout(seconds, place):
    timeouts = [("/etc/nginx/conf.d/shop.conf", line, each) for line, each in enumerate(seconds, 8)]
    text = (
        f"a client may wait 60 s for a container that is gone, because /etc/nginx/conf.d/shop.conf {place} "
        f"has that proxy_connect_timeout{' (and 1 more)' if place == 'line 8' else ''}; add 'proxy_connect_timeout "
        "4s;' to that server block"
    )
    assert vhost.connect_timeout_warning(timeouts) == (text if place else None)


def test_tls_names_and_websockets():
    text = vhost.render_vhost(
        "my-shop",
        asked(
            server_names=["shop.example.com", "*.shop.example.com"],
            listen=["443", "[::]:443"],
            tls=TLS,
            locations=[at(), at("/ws", "signal-{color}", websocket=True)],
        ),
        SERVICES,
    )
    assert text.startswith(
        "map $http_upgrade $bluegreen_my_shop_connection {\n    default upgrade;\n    '' '';\n}\n"
        "server {\n"
        "    listen 443 ssl;\n"
        "    listen [::]:443 ssl;\n"
        "    server_name shop.example.com *.shop.example.com;\n"
        "    ssl_certificate /etc/ssl/shop.pem;\n"
        "    ssl_certificate_key /etc/ssl/shop.key;\n"
    )
    plain, websocket = text.split("    location ")[1:]
    assert "proxy_pass http://my-shop-was;" in plain and 'Connection "";' in plain and "Upgrade" not in plain
    assert websocket.startswith("/ws {\n        proxy_pass http://my-shop-signal;\n")
    assert websocket.endswith(
        "        proxy_set_header Upgrade $http_upgrade;\n"
        "        proxy_set_header Connection $bluegreen_my_shop_connection;\n"
        "        proxy_read_timeout 1h;\n"
        "        proxy_send_timeout 1h;\n"
        "    }\n}\n"
    )


def test_of_a_service_with_two_ports_the_first_one_counts():
    services = named_services(
        "my-shop",
        [{"name": "was-{color}", "port": 3000}, {"name": "was-{color}", "port": 3001, "upstream": "my-shop-signal"}],
    )
    assert "proxy_pass http://my-shop-was;" in vhost.render_vhost("my-shop", asked(), services)


@pytest.mark.parametrize(
    "given_vhost, expected",
    [
        (asked(), ["80"]),
        (asked(listen=[]), ["80"]),
        (asked(tls=TLS), ["443"]),
        (asked(tls=TLS, listen=["8443"]), ["8443"]),
        (asked(listen=[8080, "127.0.0.1:81"]), ["8080", "127.0.0.1:81"]),
    ],
)
def test_what_it_listens_on(given_vhost, expected):
    assert list(vhost.vhost_problems(given_vhost, NAMES)) == []
    assert vhost.listens(given_vhost) == expected


@pytest.mark.parametrize(
    "name", ["shop.example.com", "*.example.com", "localhost", "a", "_", "x_1.example", "3.example", "10.0.0.1", "A-b"]
)
def test_server_names_that_are_good(name):
    assert list(vhost.vhost_problems(asked(server_names=[name]), NAMES)) == []


SERVER_NAME = "give a host name, which may start with '*.'"
NO_NAME = "give at least one host name of the app"
LISTEN = "give a port, or an address and a port such as 127.0.0.1:8080 or [::]:80"
FILE = "give an absolute path, as nginx sees it, of letters, digits, '.', '_', '-', '+' and '@'"
PATH = "start with '/', and use no character that is special to nginx"
SERVICE = "give a name from bluegreen_services: was-{color}, signal-{color}"


@pytest.mark.parametrize(
    "given_vhost, expected",
    [
        ({"listen": ["80"]}, ("server_names", None, NO_NAME)),
        (asked(server_names=[]), ("server_names", [], NO_NAME)),
        *[
            (asked(server_names=["a", name]), ("server_names", name, SERVER_NAME))
            for name in ["", "a b", "a;", "a{", "a\n", "a..b", ".a", "a.", "-a", "*", "*a", "~^a", "$host", "ä", "a:80"]
        ],
        *[
            (asked(listen=[listen]), ("listen", listen, LISTEN))
            for listen in ["0", "65536", 0, "80 ssl", "80;", "80\n", "::80", "a:80", "[x]:80", ":80", "*:80", "", "٨٠"]
            + ["unix:/run/x", "127.0.0.1", "127.0.0.1:0"]
        ],
        *[
            (asked(tls=dict(TLS, **{key: path})), ("tls." + key, path, FILE))
            for key in TLS
            for path in ["shop.pem", "", "/", "/a b", "/a;", "/a\n", "/a{", "/$x", "/a'", "/ä", "data:x", "engine:a:b"]
        ],
        *[
            (asked(locations=[at(path)]), ("locations.path", path, PATH))
            for path in ["", "ws", "= /", "/a b", "/a;", "/a{", "/a\n", "/$uri", '/"', "/a#", "/ä", "/\\", "/(a)"]
        ],
        (asked(locations=[at("/a"), at("/a")]), ("locations.path", "/a", "give each path once")),
        (asked(locations=[at(service="was")]), ("locations.service", "was", SERVICE)),
    ],
)
def test_what_is_wrong(given_vhost, expected):
    assert list(vhost.vhost_problems(given_vhost, NAMES)) == [expected]


def test_all_that_is_wrong_is_told():
    wrong = {"listen": ["x"], "tls": {"certificate": "x", "key": "y"}, "locations": [at("x", "z")]}
    assert [key for key, _value, _remedy in vhost.vhost_problems(wrong, NAMES)] == [
        *["server_names", "listen", "tls.certificate", "tls.key", "locations.path", "locations.service"]
    ]


@pytest.mark.parametrize(
    "given_vhost, address, expected",
    [
        (asked(), "172.18.0.2", ("http://172.18.0.2:80/", "shop.example.com")),
        (asked(listen=["8080", "81"]), "127.0.0.1", ("http://127.0.0.1:8080/", "shop.example.com")),
        (asked(listen=["[::]:80", "81"]), "127.0.0.1", ("http://127.0.0.1:81/", "shop.example.com")),
        (asked(tls=TLS), "127.0.0.1", ("https://127.0.0.1:443/", "shop.example.com")),
        (asked(server_names=["*.b.c", "d"]), "127.0.0.1", ("http://127.0.0.1:80/", "any.b.c")),
        (asked(locations=[at("/api"), at()]), "127.0.0.1", ("http://127.0.0.1:80/api", "shop.example.com")),
        (asked(listen=["127.0.0.1:80"]), "172.18.0.2", None),
        (asked(), "", None),  # nginx does not run
    ],
)
def test_the_url_by_which_the_app_is_reached(given_vhost, address, expected):
    url = vhost.vhost_url(given_vhost, address)
    assert url == (expected and {"url": expected[0], "host": expected[1]})


thorough = settings(max_examples=400, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

nasty = st.text(
    st.one_of(st.sampled_from("{};#'\"\\$ \t\r\n\v\f\0:[]*?%/=.-_1a"), st.sampled_from("\x85\u00a0\u2028١é")),
    max_size=8,
)


def spoilt(*sound):
    """What is sound, what is not, and what is so in part."""
    good = st.sampled_from(sound)
    return st.one_of(good, good, st.tuples(good, nasty).map("".join), st.tuples(nasty, good).map("".join), nasty)


vhosts = st.fixed_dictionaries(
    {"server_names": st.lists(spoilt("shop.example.com", "*.a.b", "_"), min_size=1, max_size=3)},
    optional={
        "listen": st.lists(spoilt("80", "127.0.0.1:8080", "[::]:80"), max_size=2),
        "tls": st.fixed_dictionaries({"certificate": spoilt("/a/b.pem"), "key": spoilt("/a/b.key")}),
        "locations": st.lists(
            st.fixed_dictionaries(
                {"path": spoilt("/", "/api/v1", "/a.b~c%20"), "service": spoilt(*NAMES)},
                optional={"websocket": st.booleans()},
            ),
            max_size=3,
        ),
    },
)


def assert_one_server(text, given_vhost):
    """nginx would see this server, whole, and nothing beside it but the map it uses."""
    files = read_directives(text)
    assert list(files) == [None]
    assert "include" not in [words[0] for words in directives_of(text)]
    *maps, server = files[None]
    locations = given_vhost.get("locations") or [at()]
    websocket = any(location.get("websocket") for location in locations)
    assert [found.words for found in maps] == websocket * [["map", "$http_upgrade", "$bluegreen_my_shop_connection"]]
    assert server.words == ["server"]
    plain = [directive.words for directive in server.block if directive.block is None]
    tls = given_vhost.get("tls")
    assert plain == [
        *[["listen", listen] + (["ssl"] if tls else []) for listen in vhost.listens(given_vhost)],
        ["server_name", *given_vhost["server_names"]],
        *([["ssl_certificate", tls["certificate"]], ["ssl_certificate_key", tls["key"]]] if tls else []),
        ["proxy_http_version", "1.1"],
        ["proxy_connect_timeout", "4s"],
    ]
    blocks = [directive for directive in server.block if directive.block is not None]
    assert [block.words for block in blocks] == [["location", location["path"]] for location in locations]
    for block, location in zip(blocks, locations):
        assert all(directive.block is None for directive in block.block)
        upstream = {"was-{color}": "my-shop-was", "signal-{color}": "my-shop-signal"}[location["service"]]
        assert block.block[0].words == ["proxy_pass", "http://" + upstream]
        names = {directive.words[0] for directive in block.block[1:]}
        assert names <= {"proxy_set_header", "proxy_read_timeout", "proxy_send_timeout"}
    assert text.isascii() and text.endswith("}\n")


@thorough
@given(vhosts)
def test_whatever_is_let_through_stays_in_its_server(given_vhost):
    if list(vhost.vhost_problems(given_vhost, NAMES)):
        return
    assert_one_server(vhost.render_vhost("my-shop", given_vhost, SERVICES), given_vhost)


@thorough
@given(st.sampled_from(["server_names", "listen", "certificate", "key", "path"]), nasty, st.data())
def test_one_spoilt_word_is_refused_or_stays_in_its_server(field, word, data):
    sound = asked(listen=["80"], tls=dict(TLS), locations=[at("/a", websocket=True)])
    word = data.draw(st.sampled_from(["", "/", "80", "a"])) + word
    if field in ("server_names", "listen"):
        sound[field] = [word]
    elif field == "path":
        sound["locations"][0]["path"] = word
    else:
        sound["tls"][field] = word
    if list(vhost.vhost_problems(sound, NAMES)):
        return
    assert_one_server(vhost.render_vhost("my-shop", sound, SERVICES), sound)
