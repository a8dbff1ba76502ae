# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No input makes text that leaves its block, and what was written is read back."""

from __future__ import annotations

import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.hotswap.compose.plugins.module_utils._errors import UpstreamError
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.directives import read_directives
from ansible_collections.hotswap.compose.plugins.module_utils._nginx.upstream import (
    parse_upstreams,
    render_upstream,
)

thorough = settings(max_examples=300, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])

LETTERS = string.ascii_letters
names = st.text(LETTERS + string.digits + "._-", max_size=20).flatmap(
    lambda rest: st.sampled_from(LETTERS).map(lambda first: first + rest)
)
labels = st.from_regex(r"[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,8}[a-zA-Z_])", fullmatch=True)
hosts = st.one_of(
    st.lists(labels, min_size=1, max_size=3).map(".".join),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)
numbers = st.integers(1, 65535)
digits = st.one_of(numbers, numbers.map(str))
targets = st.fixed_dictionaries(
    {"host": hosts, "port": digits}, optional={"weight": digits, "down": st.booleans(), "at_load": st.booleans()}
)
target_lists = st.lists(
    targets,
    min_size=1,
    max_size=6,
    unique_by=lambda target: (target["host"].lower(), int(target["port"]), target.get("down", False)),
).filter(lambda given_targets: not all(target.get("down") for target in given_targets))
resolvers = st.one_of(st.none(), st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(lambda ip: f"[{ip}]:53"))

# What could mean something to nginx, or to a careless check.
nasty = st.text(
    st.one_of(
        st.sampled_from("{};#'\"\\$ \t\r\n\v\f\0:[]*?%/=.-_1a"),
        st.sampled_from("\x85\u00a0\u2028\ufeff١é"),
        st.characters(),
    ),
    max_size=12,
)
spoilt_text = st.one_of(
    nasty,
    st.tuples(hosts, nasty).map("".join),
    st.tuples(nasty, hosts).map("".join),
    st.tuples(names, nasty, names).map("".join),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), spoilt_text, st.binary(max_size=8), numbers)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.one_of(nasty, st.integers()), inner, max_size=3)
    ),
    max_leaves=8,
)
spoilt_targets = st.fixed_dictionaries(
    {"host": st.one_of(hosts, anything), "port": st.one_of(digits, anything)},
    optional={
        "weight": st.one_of(digits, anything),
        "down": st.one_of(st.booleans(), anything),
        "at_load": st.one_of(st.booleans(), anything),
        "backup": st.booleans(),
    },
)

fragments = st.lists(
    st.sampled_from(
        ["upstream", "server", "http", "stream", "include", "a", "b:80", "a:1", "weight=3", "down", "unix:/x", "x*"]
        + ["{", "}", "{", "}", ";", ";", ";", " ", " ", " ", "\n", "'", '"', "\\", "$", "${", "#", ":", "[::1]", "["]
        + ["\n# configuration file /f:\n", "\n# configuration file /x:\n", "upstream a { server b; }\n", "http {\n"]
    ),
    max_size=40,
).map("".join)


def written(given_targets):
    """What takes requests of it."""
    return [
        {"host": target["host"], "port": int(target["port"]), "weight": int(target.get("weight", 1))}
        for target in given_targets
        if not target.get("down")
    ]


def assert_one_block(text, name, given_targets):
    """nginx would see this upstream, whole, and nothing beside it."""
    files = read_directives(text)
    assert list(files) == [None]
    (block,) = files[None]
    assert block.words == ["upstream", name]
    assert all(directive.block is None for directive in block.block)
    servers = [directive.words for directive in block.block if directive.words[0] == "server"]
    others = [directive.words[0] for directive in block.block if directive.words[0] != "server"]
    assert others in ([], ["zone", "resolver"])
    assert len(servers) == len(given_targets)
    for words, target in zip(servers, given_targets):
        assert all(word in ("resolve", "down") or word.startswith("weight=") for word in words[2:])
        assert ("down" in words) is target.get("down", False)
        assert "resolve" not in words or (others and not target.get("at_load"))
    assert text.isascii() and text.endswith("}\n")
    assert parse_upstreams(text) == {name: written(given_targets)}


@thorough
@given(names, target_lists, resolvers)
def test_what_was_written_is_read_back(name, given_targets, resolver):
    assert_one_block(render_upstream(name, given_targets, resolver), name, given_targets)


@thorough
@given(
    st.one_of(names, anything),
    st.one_of(target_lists, st.lists(spoilt_targets, max_size=3), anything),
    st.one_of(resolvers, anything),
)
def test_whatever_is_given_stays_in_its_block_or_is_refused(name, given_targets, resolver):
    try:
        text = render_upstream(name, given_targets, resolver)
    except UpstreamError:
        return
    assert_one_block(text, name, given_targets)


@thorough
@given(names, target_lists, st.sampled_from(["name", "host", "port", "weight", "resolver"]), spoilt_text, st.data())
def test_one_spoilt_field_stays_in_its_block_or_is_refused(name, given_targets, field, text, data):
    resolver = None
    if field == "name":
        name = text
    elif field == "resolver":
        resolver = text
    else:
        data.draw(st.sampled_from(given_targets))[field] = text
    try:
        rendered = render_upstream(name, given_targets, resolver)
    except UpstreamError:
        return
    assert_one_block(rendered, name, given_targets)


@thorough
@given(st.dictionaries(names, target_lists, max_size=4))
def test_blocks_one_after_the_other_are_all_read_back(upstreams):
    by_lower_case = {name.lower(): name for name in upstreams}
    upstreams = {name: upstreams[name] for name in by_lower_case.values()}
    text = "\n# a comment; with } and '\n".join(render_upstream(name, its) for name, its in upstreams.items())
    expected = {name: written(its) for name, its in upstreams.items()}
    assert parse_upstreams(f"http {{ server {{ listen 80; }}\n{text}\n}}") == expected


@thorough
@given(st.text())
def test_a_quoted_word_is_read_back(word):
    quoted = word.replace("\\", "\\\\").replace('"', '\\"')
    assert list(parse_upstreams(f'upstream "{quoted}" {{ server b:1; }}')) == [word]


@thorough
@given(st.one_of(st.text(), fragments, nasty))
def test_reading_any_text_ends_in_a_result_or_in_its_own_error(text):
    try:
        result = parse_upstreams(text)
    except UpstreamError as error:
        assert str(error)
    else:
        assert all(isinstance(name, str) for name in result)


@thorough
@given(names, target_lists, resolvers, st.data())
def test_a_truncated_block_is_never_taken_for_whole(name, given_targets, resolver, data):
    text = render_upstream(name, given_targets, resolver).rstrip("\n")
    cut = data.draw(st.integers(1, len(text) - 1))
    try:
        parse_upstreams(text[:cut])
    except UpstreamError:
        return
    raise AssertionError(f"taken for whole: {text[:cut]!r}")
