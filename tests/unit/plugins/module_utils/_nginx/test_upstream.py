# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re

import pytest

from ansible_collections.hotswap.compose.plugins.module_utils._errors import UpstreamError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import (
    parse_upstreams,
    render_upstream,
)

ONE = [{"host": "was", "port": 3000}]


def target(host="was", port=3000, weight=1):
    return {"host": host, "port": port, "weight": weight}


def test_render_one_target():
    assert render_upstream("shop-was", ONE) == "upstream shop-was {\n    server was:3000;\n}\n"


def test_render_follows_names_but_not_addresses_with_a_resolver():
    targets = [
        {"host": "shop-blue-was", "port": "3000", "weight": "9"},
        {"host": "10.0.0.7", "port": 3000},
        {"host": "[fd00::7]", "port": 3000, "weight": 2},
    ]
    assert render_upstream("shop-was", targets, resolver="127.0.0.11") == (
        "upstream shop-was {\n"
        "    zone shop-was 64k;\n"
        "    resolver 127.0.0.11 valid=2s ipv6=off;\n"
        "    server shop-blue-was:3000 weight=9 resolve;\n"
        "    server 10.0.0.7:3000;\n"
        "    server [fd00::7]:3000 weight=2;\n"
        "}\n"
    )


def test_nginx_gets_to_know_what_it_sends_nothing():
    targets = [
        {"host": "now", "port": 1, "at_load": True},
        {"host": "now", "port": 1, "down": True},
        {"host": "next", "port": 1, "weight": 2, "down": True},
        {"host": "10.0.0.7", "port": 1, "down": True},
        {"host": "once", "port": 1, "at_load": True, "down": True},
        {"host": "then", "port": 1, "at_load": False, "down": False},
    ]
    text = render_upstream("a", targets, resolver="127.0.0.11")
    assert [line.strip() for line in text.splitlines() if " server " in line] == [
        "server now:1;",
        "server now:1 resolve down;",
        "server next:1 weight=2 resolve down;",
        "server 10.0.0.7:1 down;",
        "server once:1 down;",
        "server then:1 resolve;",
    ]
    assert parse_upstreams(text) == {"a": [target("now", 1), target("then", 1)]}
    assert "resolve" not in render_upstream("a", targets)
    assert parse_upstreams(render_upstream("a", targets)) == parse_upstreams(text)


def test_render_writes_equal_targets_equally():
    assert render_upstream("a", [{"host": "was", "port": "3000", "weight": "1"}]) == render_upstream("a", ONE)


@pytest.mark.parametrize("name", ["a", "shop-was", "Shop.was_2", "a" * 128])
def test_names_that_are_good(name):
    assert parse_upstreams(render_upstream(name, ONE)) == {name: [target()]}


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1shop",
        "-shop",
        "_shop",
        "shop was",
        "shop;",
        "shop{",
        "shop\n",
        "shöp",
        "shop$x",
        "a" * 129,
        None,
        7,
        ["a"],
    ],
)
def test_names_that_are_refused(name):
    with pytest.raises(UpstreamError, match=r"^name: .* can't name an upstream; start with a letter"):
        render_upstream(name, ONE)


@pytest.mark.parametrize(
    "host",
    ["was", "shop-blue-was", "web_api", "_dmarc.example.com", "a.b.c", "3com", "1.2.3.x", "x" * 63, "10.0.0.1", "[::1]"]
    + ["[2001:db8::7]", "[::ffff:10.0.0.1]", "Was"],
)
def test_hosts_that_are_good(host):
    assert parse_upstreams(render_upstream("a", [{"host": host, "port": 1}])) == {"a": [target(host, 1)]}


@pytest.mark.parametrize(
    "host",
    ["", ".", "a..b", "a.", ".a", "-a", "a-", "a b", "a;", "a}", "a\n", "a:80", "a#", "ä", "x" * 64, "x." * 127 + "y"]
    + ["256.1.1.1", "1.2.3", "01.2.3.4", "1", "::1", "[]", "[::1", "::1]", "[fe80::1%eth0]", "[10.0.0.1]", "[zz::]"]
    + ["unix:/run/was.sock", "${was}", "$was", '"was"', None, 7, True, ["was"], b"was", "was\x00", "١"],
)
def test_hosts_that_are_refused(host):
    with pytest.raises(UpstreamError, match=r"^targets\[0\]\.host: .* is not a host; give a DNS name"):
        render_upstream("a", [{"host": host, "port": 1}])


@pytest.mark.parametrize("field", ["port", "weight"])
@pytest.mark.parametrize(
    "value",
    [0, -1, 65536, True, False, None, 1.0, "", "0", "65536", "80 ", "+80", "8_0", "٨٠", "80;", "1e3", [80], b"80"],
)
def test_numbers_that_are_refused(field, value):
    with pytest.raises(UpstreamError, match=rf"^targets\[0\]\.{field}: .* give a whole number from 1 to 65535$"):
        render_upstream("a", [{**target(), field: value}])


@pytest.mark.parametrize(
    "targets, message",
    [
        ([], "targets: the list is empty, but nginx rejects an upstream without a server; give one"),
        ("was:3000", "targets: 'was:3000' is not a list; give a list of mappings with host and port"),
        (None, "targets: None is not a list; give a list of mappings with host and port"),
        (ONE[0], "targets: {'host': 'was', 'port': 3000} is not a list; give a list of mappings with host and port"),
        (["was:3000"], "targets[0]: 'was:3000' is not a mapping; give host, port and, if needed, weight"),
        ([{"host": "was"}], "targets[0]: port is missing; give host and port"),
        ([{"port": 1}], "targets[0]: host is missing; give host and port"),
        (
            [{**ONE[0], "backup": True}],
            ("targets[0]: unknown key 'backup'; the keys are host, port, weight, down, at_load"),
        ),
        (
            ONE + [{"host": "WAS", "port": "3000"}],
            "targets[1]: WAS:3000 is also targets[0]; give it once, with a weight if needed",
        ),
        (
            [{"host": "[::1]", "port": 1}, {"host": "[0::1]", "port": 1}],
            "targets[1]: [0::1]:1 is also targets[0]; give it once, with a weight if needed",
        ),
        (
            [dict(ONE[0], at_load=True), ONE[0]],
            "targets[1]: was:3000 is also targets[0]; give it once, with a weight if needed",
        ),
        ([dict(ONE[0], down=True)], "targets: all of them are down; give at least one that takes requests"),
        ([dict(ONE[0], down=1)], "targets[0].down: 1 is neither true nor false; give one of them"),
        ([dict(ONE[0], down=None)], "targets[0].down: None is neither true nor false; give one of them"),
        ([dict(ONE[0], at_load="yes")], "targets[0].at_load: 'yes' is neither true nor false; give one of them"),
    ],
)
def test_targets_that_are_refused(targets, message):
    with pytest.raises(UpstreamError, match=f"^{re.escape(message)}$"):
        render_upstream("a", targets)


def test_an_error_shows_a_long_value_in_short():
    with pytest.raises(UpstreamError) as error:
        render_upstream("x" * 10000, ONE)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("resolver", ["127.0.0.11", "127.0.0.11:5353", "[::1]", "[::1]:53"])
def test_resolvers_that_are_good(resolver):
    text = render_upstream("a", ONE, resolver=resolver)
    assert f"resolver {resolver} valid=" in text
    assert parse_upstreams(text) == {"a": [target()]}


@pytest.mark.parametrize(
    "resolver",
    [
        "",
        "dns.example.com",
        "127.0.0.11;",
        "127.0.0.11 8.8.8.8",
        "127.0.0.11:",
        "127.0.0.11:0",
        "::1",
        "127.0.0.11\n",
        7,
        False,
        [],
    ],
)
def test_resolvers_that_are_refused(resolver):
    with pytest.raises(UpstreamError, match="^resolver"):
        render_upstream("a", ONE, resolver=resolver)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", {}),
        ("# nothing but a comment", {}),
        ("upstream a { server was; }", {"a": [target(port=80)]}),
        ("upstream a{server was:1;}", {"a": [target(port=1)]}),
        ("upstream 'a' { server \"was:1\" weight=5 max_fails=0; }", {"a": [target(port=1, weight=5)]}),
        ("upstream a { server [::1]:81; server [::2]; }", {"a": [target("[::1]", 81), target("[::2]", 80)]}),
        ("upstream a { server unix:/run/was.sock; }", {"a": [target("unix:/run/was.sock", None)]}),
        ("upstream a { server UNIX:/run/was.sock; }", {"a": [target("UNIX:/run/was.sock", None)]}),
        ("upstream a { server example.com service=http resolve; }", {"a": [target("example.com", None)]}),
        ("upstream a { server b:1; server c:1 down; server d:1 backup; }", {"a": [target("b", 1)]}),
        ("upstream a { server b:1; # server c:1;\n #}\n server d:1; }", {"a": [target("b", 1), target("d", 1)]}),
        ("upstream a {\n# configuration file /b:\n server b:1; }", {"a": [target("b", 1)]}),
        ("upstream a { zone a 64k; ip_hash; keepalive 8; server b:1; }", {"a": [target("b", 1)]}),
        ("upstream a { server b:1; } upstream b { server a:1; }", {"a": [target("b", 1)], "b": [target("a", 1)]}),
        ("upstream a {\r\n\tserver b:1;\r\n}\r\n", {"a": [target("b", 1)]}),
        ("http { upstream a { server b:1; } }", {"a": [target("b", 1)]}),
        ("stream { upstream a { server b:1; } }", {}),
        ("http { server { set $x '{ upstream a { server b:1; } }'; } }", {}),
        ("http { map $a $b { upstream x; server y; } }", {}),
        ("log_format f '$a; }' \"{\";\nupstream a { server b:1; }", {"a": [target("b", 1)]}),
        ("set $x ${y}z;upstream a { server b:1; }", {"a": [target("b", 1)]}),
        ("location ~ ^/(a|b){2}$ { } upstream a { server b:1; }", None),
        ("location ~ '^/(a|b){2}$' { } upstream a { server b:1; }", {"a": [target("b", 1)]}),
        ('if ($a = "b") { return 200 it\'s#fine; } upstream a { server b:1; }', {"a": [target("b", 1)]}),
        ("set $x a}b; upstream a { server b:1; }", {"a": [target("b", 1)]}),
        ("set $x \\;\\{; upstream a { server b:1; }", {"a": [target("b", 1)]}),
        ("set $x 'it\\'s'; upstream a { server b:1; }", {"a": [target("b", 1)]}),
        ('upstream "a\\tb\\\\c\\d" { server b:1; }', {"a\tb\\c\\d": [target("b", 1)]}),
        ("include conf.d/*.conf; upstream a { server b:1; }", {"a": [target("b", 1)]}),
    ],
)
def test_parse(text, expected):
    if expected is None:  # nginx wants quotes around such a pattern, too
        with pytest.raises(UpstreamError):
            parse_upstreams(text)
    else:
        assert parse_upstreams(text) == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        ' ngx.say("ok") ',
        " local t = { a = { 1 }, b = {} } ",
        """ local t = { a = 1, b = "}" } -- a comment with }
            local s = [[ long } string ]] """,
        """ local s = '{' .. "it's \\" {" .. '\\'{\\\\' """,
        " local s = [==[ ]] } ]=] { ]==] .. t[u[1]] ",
        "\n--[[ {\n ]] local a = 1 --[=[ { ]] { ]=]\n--[= {\n-- [[ {\n",
        " return 1 - -a[1] -- { ' \" [[\n",
        "\n# no comment: {\n}\n# configuration file /no/header:\n",
    ],
)
@pytest.mark.parametrize("directive", ["content_by_lua_block", "set_by_lua_block $res", "rewrite_by_lua_block"])
def test_lua_is_passed_over(directive, body):
    block = f"{directive} {{{body}}}"
    assert parse_upstreams(f"http {{ server {{ {block} }} upstream a {{ server b:1; }} }}") == {"a": [target("b", 1)]}
    line = block.count("\n") + 2
    with pytest.raises(UpstreamError, match=f'^line {line}: "}}" closes nothing$'):
        parse_upstreams(f"{block}\n}}")
    for end in range(1, len(block)):
        with pytest.raises(UpstreamError, match=r"^line 1: the text ends .* is it truncated\?$"):
            parse_upstreams(block[:end])


def test_a_value_is_no_block_of_lua():
    assert parse_upstreams("map $a $b { c content_by_lua_block; d e; } upstream a { server b:1; }") == {
        "a": [target("b", 1)]
    }


@pytest.mark.parametrize(
    "text, message",
    [
        (None, "None is not text; give the content of an nginx configuration"),
        (b"", "b'' is not text; give the content of an nginx configuration"),
        ("upstream a {\n server b:1;\n", 'line 1: the text ends before the "}" of "upstream a"; is it truncated?'),
        ("\nupstream a {\n server b:1", 'line 3: the text ends within "server b:1"; is it truncated?'),
        ("upstream a {\n server b:1\n}", 'line 2: "server b:1" does not end with ";" before the next "}"'),
        ("upstream a { server b:1; }\n}", 'line 2: "}" closes nothing'),
        ("\n;", 'line 2: unexpected ";"'),
        ("\n{", 'line 2: unexpected "{"'),
        ("a 'b\n", "line 1 of the text: a quoted word is not closed, or text follows it; is it truncated?"),
        ("a\n'b'c;", "line 2 of the text: a quoted word is not closed, or text follows it; is it truncated?"),
        ("a_by_lua_block {\n{ }", 'line 1: the text ends before the "}" of "a_by_lua_block"; is it truncated?'),
        ("a b\\", "line 1 of the text: a lone backslash; is it truncated?"),
        ("upstream {\n}", "line 1: an upstream needs one name and a block in braces"),
        ("upstream a b {\n}", "line 1: an upstream needs one name and a block in braces"),
        ("upstream a;", "line 1: an upstream needs one name and a block in braces"),
        ("upstream a {\nserver;\n}", "line 2: the server has no address"),
        ("upstream a {\nserver b:x;\n}", "line 2: 'x' in \"server b:x\" is not a number"),
        ("upstream a {\nserver b:;\n}", "line 2: '' in \"server b:\" is not a number"),
        ("upstream a {\nserver :1;\n}", "line 2: ':1' is not the address of a server"),
        ("upstream a {\nserver b:1 weight=x;\n}", "line 2: 'x' in \"server b:1 weight=x\" is not a number"),
        (
            "upstream a { server b:1; }\n\nupstream A { server b:1; }",
            'upstream "A" is defined twice, at line 1 and at line 3, but nginx accepts a name only once; rename or '
            "remove one",
        ),
        (
            "upstream a {\n include servers.conf; }",
            "line 2: includes 'servers.conf', which is not in this text; give the whole output of `nginx -T`",
        ),
    ],
)
def test_parse_refuses(text, message):
    with pytest.raises(UpstreamError, match=f"^{re.escape(message)}$"):
        parse_upstreams(text)


DUMP = """\
# configuration file /etc/nginx/nginx.conf:
user www-data;
events { worker_connections 768; }
http {
    # configuration file /not/a/header:
    types { text/html html; }
    include /etc/nginx/conf.d/*.conf;
    include sites-enabled/*;
}
stream {
    include stream.d/*.conf;
}

# configuration file /etc/nginx/conf.d/bluegreen-shop.conf:
# generation 7
upstream shop-was {
    include targets/shop;
}

# configuration file /etc/nginx/targets/shop:
server shop-blue-was:3000;

# configuration file /etc/nginx/sites-enabled/site:
server {
    listen 80;
    location / { proxy_pass http://shop-was; }
}
upstream other { server other:1; }

# configuration file /etc/nginx/stream.d/db.conf:
upstream shop-was { server db:5432; }
"""


def test_a_dump_is_read_along_its_includes():
    assert parse_upstreams(DUMP) == {"shop-was": [target("shop-blue-was")], "other": [target("other", 1)]}


def test_a_duplicate_is_named_with_both_its_places():
    dump = DUMP.replace("upstream other", "upstream Shop-was")
    places = "bluegreen-shop.conf line 2 and at /etc/nginx/sites-enabled/site line 5, but nginx accepts"
    with pytest.raises(UpstreamError, match=places):
        parse_upstreams(dump)


def test_a_header_within_a_block_is_a_comment():
    text = "http {\n# configuration file /b:\nupstream a { server b:1; } }"
    assert parse_upstreams(text) == {"a": [target("b", 1)]}


def test_a_part_of_a_dump_is_read_as_well():
    files = [f"# configuration file /c/{name}.conf:\nupstream {name} {{ server was:1; }}\n" for name in "ab"]
    assert list(parse_upstreams("".join(files))) == ["a", "b"]


def dump_of(files):
    return "".join(f"# configuration file {path}:\n{content}\n" for path, content in files.items())


@pytest.mark.parametrize("inner", ["include a;", "include b;", "include b; include a;"])
def test_an_include_of_itself_is_refused(inner):
    files = {"/m": "http { include a; }", "/a": inner, "/b": "include a;"}
    with pytest.raises(UpstreamError, match=r"^/[ab] line 1: /[ab] includes itself$"):
        parse_upstreams(dump_of(files))


def test_includes_may_be_deep():
    files = {"/n/nginx.conf": "http { include 0; }"}
    files.update({f"/n/{i}": f"include {i + 1}; include shared;" for i in range(2000)})
    files.update({"/n/2000": "upstream a { server b:1; include s; }", "/n/shared": "", "/n/s": "server c:1;"})
    assert parse_upstreams(dump_of(files)) == {"a": [target("b", 1), target("c", 1)]}


@pytest.mark.parametrize("include", ["blog.d/*.srv", "/etc/nginx/blog.d/*.srv", "none/[a-c]", "none/?"])
def test_a_pattern_that_matches_no_file_includes_none(include):
    block = f"upstream a {{ server b:1; include {include}; }}"
    assert parse_upstreams(dump_of({"/etc/nginx/nginx.conf": f"http {{ {block} }}"})) == {"a": [target("b", 1)]}
    with pytest.raises(UpstreamError, match=r"which is not in this text; give the whole output of `nginx -T`$"):
        parse_upstreams(block)  # nobody knows what else there is


@pytest.mark.parametrize(
    "include, path",
    [
        ("./conf.d/*.conf", "/etc/nginx/./conf.d/a.conf"),
        ("/etc/nginx//conf.d/*.conf", "/etc/nginx//conf.d/a.conf"),
        ("sites/../conf.d/*.conf", "/etc/nginx/sites/../conf.d/a.conf"),
        ('"conf.d/my site.conf"', "/etc/nginx/conf.d/my site.conf"),
        ("conf.d/[^b]*", "/etc/nginx/conf.d/a.conf"),
    ],
)
def test_an_include_is_found_as_nginx_calls_it(include, path):
    files = {"/etc/nginx/nginx.conf": f"http {{ include {include}; }}", path: "upstream a { include /srv/a; }"}
    assert parse_upstreams(dump_of({**files, "/srv/a": "server b:1;"})) == {"a": [target("b", 1)]}


def test_only_the_named_upstreams_are_read():
    text = "upstream Shop { server b:1; } upstream other { include none; server ::; }"
    assert parse_upstreams(text, ["shop", "missing"]) == {"shop": [target("b", 1)]}


def test_an_include_takes_no_hidden_file_and_no_deeper_one():
    main = (
        "# configuration file /nginx.conf:\nhttp { include c/*.conf; }\nstream { include c/.b.conf; include c/d/*; }\n"
    )
    blocks = [
        f"# configuration file {path}:\nupstream {name} {{ server b:1; }}\n"
        for name, path in {"taken": "/c/a.conf", "hidden": "/c/.b.conf", "deeper": "/c/d/e.conf"}.items()
    ]
    assert list(parse_upstreams(main + "".join(blocks))) == ["taken"]


def test_deep_nesting_is_no_problem():
    assert parse_upstreams("a {" * 5000 + "}" * 5000) == {}
