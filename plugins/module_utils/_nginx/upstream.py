# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""nginx upstream blocks: text from targets, and targets from text.

Nothing here reads files or runs nginx. What a caller hands in is either fit to stand in an nginx configuration as it
is, or an UpstreamError: nothing is ever quoted or escaped into place.
"""

from __future__ import annotations

import fnmatch
import ipaddress
import posixpath
import re
import typing as t
from collections.abc import Mapping, Sequence

from .._errors import UpstreamError

DEFAULT_PORT = 80
DEFAULT_WEIGHT = 1
DEFAULT_CONNECT_TIMEOUT = "60s"

# Docker's DNS says 600 s of every name; a container that came back at another address must be found sooner.
RESOLVE_EVERY = "2s"
ZONE_SIZE = "64k"

_TARGET_KEYS = ("host", "port", "weight", "down", "at_load")
_LARGEST = 65535
_INCLUDE_DEPTH = 20

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,127}")
_NUMBER = re.compile(r"[0-9]{1,5}")
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}\Z)(?:{_LABEL}\.)*(?!(?:[0-9]+)\Z){_LABEL}")
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")
_IPV6_CHARACTERS = re.compile(r"[0-9A-Fa-f:.]{2,45}")
_ADDRESS = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]+)(?::(.*))?", re.DOTALL)

# nginx's own rules: quotes count only at the start of a word, "}" and "#" too; "${" does not open a block.
_TOKEN = re.compile(
    r"""
    (?P<space>   [ \t\r\n]+ )
  | (?P<comment> \#[^\n]* )
  | (?P<mark>    [;{}] )
  | (?P<quoted>  (?: "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' ) (?= [ \t\r\n;{)] | \Z ) )
  | (?P<word>    (?!["']) (?: \\. | \$\{* | [^ \t\r\n;{\\$] )+ )
    """,
    re.DOTALL | re.VERBOSE,
)
# Lua's braces, and what may hold one that is none: a long bracket, a comment, a string; also one that never ends.
_LUA = re.compile(
    r"""
    (?:--)? \[(=*)\[ .*? (?: \]\1\] | \Z )
  | -- [^\n]*
  | " (?:\\.|[^"\\])* "? | ' (?:\\.|[^'\\])* '?
  | (?P<brace> [{}] )
    """,
    re.DOTALL | re.VERBOSE,
)
_ESCAPE = re.compile(r"\\([\"'\\trn])")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}
_PROXIED = re.compile(r"https?://(\$?[A-Za-z0-9._-]+)((?::\d+)?)")
_TIME = re.compile(r"(\d+)(ms|[smhdwMy]|\Z) *")
_UNITS = {"ms": 0.001, "": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
_FILE_HEADER = re.compile(r"# configuration file (.+):\r?")


class _Directive(t.NamedTuple):
    words: list  # the name and its arguments, unquoted
    block: list | None  # the directives within, None where it ends with ";"
    file: str | None  # from the header line of an `nginx -T` dump
    line: int  # in that file, from 1


def render_upstream(name, targets, resolver=None):
    """Return the text of one ``upstream`` block, which ends with a newline.

    name: letter first, then letters, digits, ".", "_", "-"; 128 characters at most.
    targets: at least one ``{"host": str, "port": int or digits, "weight": int or digits, default 1}``. With ``down``
      true, nginx
        gets to know it and sends it nothing; with ``at_load`` true, it is looked up once, when nginx loads.
    resolver: address of the DNS server by which nginx (1.27.3 or newer) follows the other targets named by a host name.
    Raises UpstreamError, which names the field, the value and the remedy.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise UpstreamError(
            f"name: {_shown(name)} can't name an upstream; give a letter, followed by up to 127 letters, digits, '.', "
            "'_' or '-'"
        )
    lines = []
    if resolver is not None:
        _check_resolver(resolver)
        lines += [f"zone {name} {ZONE_SIZE};", f"resolver {resolver} valid={RESOLVE_EVERY} ipv6=off;"]
    for target in _checked_targets(targets):
        weight = f" weight={target['weight']}" if target["weight"] != DEFAULT_WEIGHT else ""
        followed = resolver is not None and not target["at_load"] and not _is_ip_literal(target["host"])
        marks = (" resolve" if followed else "") + (" down" if target["down"] else "")
        lines.append(f"server {target['host']}:{target['port']}{weight}{marks};")
    return "".join([f"upstream {name} {{\n"] + [f"    {line}\n" for line in lines] + ["}\n"])


def parse_upstreams(text):
    """Return ``{upstream: [{"host": str, "port": int or None, "weight": int}, ...]}`` of an nginx configuration.

    text: one file, a part of one, or all that ``nginx -T`` prints; there, includes are followed from file to file. Only
    what takes requests is listed: servers marked ``down`` or ``backup`` are left out. A server that names no port has
    80. Those without a port have None: ``unix:/path`` sockets, and names of DNS service records (``service=``).
    Upstreams of the ``stream`` module are another name space and are left out. Raises UpstreamError, with the line (and
    the file, in a dump), where the text is truncated or unbalanced, a server can't be read, or a name is defined twice,
    upper and lower case being the same to nginx.
    """
    configuration = _Configuration(text)
    upstreams = {}
    first = {}
    for upstream in configuration.upstreams():
        name = upstream.words[1]
        earlier = first.setdefault(name.lower(), upstream)
        if earlier is not upstream:
            raise UpstreamError(
                f'upstream "{name}" is defined twice, at {_place(earlier)} and at {_place(upstream)}; '
                "nginx accepts a name once: rename or remove one of them"
            )
        inner = configuration.expand(upstream.block, required=True)
        servers = [_server(directive) for directive in inner if directive.words[0] == "server"]
        upstreams[name] = [server for server in servers if server]
    return upstreams


def main_setting(text, name):
    """Return the arguments of a directive at the top of nginx's main file, None where it is not there.

    text: what ``nginx -T`` prints. Raises UpstreamError where it is truncated or unbalanced.
    """
    files, _patterns = _files(text)
    main = next((directives for path, directives in files.items() if path is not None), [])
    return next((line.words[1:] for line in main if line.words[0] == name and line.block is None), None)


def directives_of(text):
    """Yield the words of each directive of a configuration, ``[name, argument, ...]``; those of a block after the
    directive that opens it.

    text: what ``nginx -T`` prints. Raises UpstreamError where it is truncated or unbalanced.
    """
    for directives in _files(text)[0].values():
        yield from _words(directives)


def _words(directives):
    for directive in directives:
        yield directive.words
        yield from _words(directive.block or [])


def http_settings(text, name, but=None):
    """Return the arguments of each directive of this name at the http level, without those of the file ``but``.

    text: what ``nginx -T`` prints. Raises UpstreamError where it is truncated or unbalanced.
    """
    lines = (line for directives in _Configuration(text).http_blocks() for line in directives)
    return [line.words[1:] for line in lines if line.words[0] == name and line.block is None and line.file != but]


def connect_timeouts(text, names):
    """Return ``[(file, line, s)]``: for each ``proxy_pass`` to one of ``names``, how long nginx waits for a connection.

    text: what ``nginx -T`` prints; names: of upstreams, or of variables with their ``$``. A time that can't be read is
    left out. Raises UpstreamError where the text is truncated or unbalanced.
    """
    configuration = _Configuration(text)
    wanted = {name.lower() for name in names}
    found = []
    for directives in configuration.http_blocks():
        for directive, name, _port, timeout in configuration.proxied(directives):
            seconds = _seconds(timeout)
            if name.lower() in wanted and seconds is not None:
                found.append((directive.file, directive.line, seconds))
    return found


def proxied_hosts(text):
    """Return ``[(file, line, host:port)]`` of each ``proxy_pass`` in what ``nginx -T`` prints; an upstream has port 80
    there. Raises UpstreamError where the text is truncated or unbalanced."""
    configuration = _Configuration(text)
    return [
        (directive.file, directive.line, name.lower() + (port or ":80"))
        for directives in configuration.http_blocks()
        for directive, name, port, _timeout in configuration.proxied(directives)
    ]


def _seconds(time):
    """Return the seconds of a time as nginx writes it, such as ``1m30s``; None for no such time."""
    if not re.fullmatch(rf"(?:{_TIME.pattern})+", time):
        return None
    return sum(int(number) * _UNITS[unit] for number, unit in _TIME.findall(time))


# What goes into a block


def _checked_targets(targets):
    if isinstance(targets, (str, bytes)) or not isinstance(targets, Sequence):
        raise UpstreamError(f"targets: {_shown(targets)} is no list; give a list of mappings with host and port")
    if not targets:
        raise UpstreamError("targets: the list is empty; give at least one, nginx refuses an upstream without a server")
    seen = {}
    checked = []
    for index, target in enumerate(targets):
        where = f"targets[{index}]"
        if not isinstance(target, Mapping):
            raise UpstreamError(f"{where}: {_shown(target)} is no mapping; give host, port and, if wanted, weight")
        unknown = [key for key in target if key not in _TARGET_KEYS]
        if unknown:
            raise UpstreamError(f"{where}: unknown key {_shown(unknown[0])}; known are {', '.join(_TARGET_KEYS)}")
        missing = [key for key in ("host", "port") if key not in target]
        if missing:
            raise UpstreamError(f"{where}: {missing[0]} is missing; give host and port")
        host = target["host"]
        _check_host(f"{where}.host", host)
        port = _checked_number(f"{where}.port", target["port"])
        weight = _checked_number(f"{where}.weight", target.get("weight", DEFAULT_WEIGHT))
        flags = {key: _checked_flag(f"{where}.{key}", target.get(key, False)) for key in ("down", "at_load")}
        same = seen.setdefault((_canonical(host), port, flags["down"]), index)
        if same != index:
            raise UpstreamError(
                f"{where}: {host}:{port} is also targets[{same}]; give it once, with a weight if need be"
            )
        checked.append({"host": host, "port": port, "weight": weight, **flags})
    if all(target["down"] for target in checked):
        raise UpstreamError("targets: all of them are down; give at least one that takes requests")
    return checked


def _check_host(where, host):
    if isinstance(host, str) and (_is_ip_literal(host) or _HOST_NAME.fullmatch(host)):
        return
    raise UpstreamError(
        f"{where}: {_shown(host)} is no host; give a DNS name (letters, digits, '-', '_', '.'), an IPv4 address or an "
        "IPv6 address in brackets"
    )


def _checked_number(where, value):
    # A number given by `-e` or a survey is a string of digits; True would be 1.
    is_digits = isinstance(value, str) and _NUMBER.fullmatch(value)
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if not (is_digits or is_number) or not 1 <= int(value) <= _LARGEST:
        raise UpstreamError(f"{where}: {_shown(value)} does not fit; give a whole number from 1 to {_LARGEST}")
    return int(value)


def _checked_flag(where, value):
    if not isinstance(value, bool):
        raise UpstreamError(f"{where}: {_shown(value)} is neither true nor false; give one of them")
    return value


def _check_resolver(resolver):
    address = _ADDRESS.fullmatch(resolver) if isinstance(resolver, str) else None
    if not address or not _is_ip_literal(address.group(1)):
        raise UpstreamError(
            f"resolver: {_shown(resolver)} is no address of a DNS server; give an IPv4 address or an IPv6 address in "
            "brackets, with :port if it is not 53 (Docker's is 127.0.0.11)"
        )
    if address.group(2) is not None:
        _checked_number("resolver port", address.group(2))


def _is_ip_literal(host):
    return bool(_IPV4.fullmatch(host)) or _ipv6(host) is not None


def _ipv6(host):
    inner = host[1:-1]
    if not (host.startswith("[") and host.endswith("]") and _IPV6_CHARACTERS.fullmatch(inner)):
        return None
    try:
        return ipaddress.IPv6Address(inner)
    except ValueError:
        return None


def _canonical(host):
    return str(_ipv6(host) or host.lower())


def _shown(value):
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


# What is read out of a text


class _Configuration:
    """A text as nginx reads it: its files, and which of them an ``include`` stands for."""

    def __init__(self, text):
        self.files, self.patterns = _files(text)
        named = [path for path in self.files if path is not None]
        # nginx resolves a relative name against the directory of its main file, which a dump begins with.
        self.base = posixpath.dirname(named[0]) if named else None

    def upstreams(self):
        """Yield the directive of every http upstream: nginx allows them nowhere but at the http level."""
        for directive in (directive for http in self.http_blocks() for directive in http):
            if directive.words[0] == "upstream":
                if len(directive.words) != 2 or directive.block is None:
                    raise UpstreamError(f"{_place(directive)}: an upstream has one name and a block in braces")
                yield directive

    def http_blocks(self):
        """Yield lists of directives: those of each http block, and each directive outside of them, as in a part of a
        configuration."""
        included = {path for pattern in self.patterns for path in self.matching(pattern)}
        tops = [top for path, top in self.files.items() if path not in included]
        for outer in (directive for top in tops for directive in self.expand(top)):
            is_http = outer.words[0] == "http" and outer.block is not None
            yield list(self.expand(outer.block)) if is_http else [outer]

    def proxied(self, directives):
        """Yield ``(proxy_pass directive, name that it goes to, ":port" or "", proxy_connect_timeout)`` of an http
        block."""
        blocks = [(directives, DEFAULT_CONNECT_TIMEOUT)]
        while blocks:
            block, timeout = blocks.pop(0)
            inner = list(self.expand(block))
            own = [line.words[1] for line in inner if line.words[0] == "proxy_connect_timeout" and len(line.words) == 2]
            timeout = own[-1] if own else timeout
            for directive in inner:
                goes_to = _PROXIED.match(directive.words[-1]) if directive.words[0] == "proxy_pass" else None
                if goes_to:
                    yield (directive, *goes_to.groups(), timeout)
                elif directive.block:
                    blocks.append((directive.block, timeout))

    def matching(self, pattern):
        """Return the files that ``include pattern`` reads."""
        if self.base is None:
            return []
        wanted = posixpath.join(self.base, pattern)
        return [path for path in self.files if path is not None and _glob_matches(wanted, path)]

    def expand(self, directives, required=False, depth=0):
        """Yield the directives, those of an included file in the place of its ``include``.

        required: that an included file is not in the text is an error; else the include is passed over.
        """
        for directive in directives:
            if directive.words[0] != "include" or len(directive.words) != 2 or directive.block is not None:
                yield directive
                continue
            paths = self.matching(directive.words[1])
            if required and not paths:
                raise UpstreamError(
                    f"{_place(directive)}: includes {_shown(directive.words[1])}, which is not in this text; give all "
                    "that `nginx -T` prints"
                )
            for path in paths:
                if depth == _INCLUDE_DEPTH:
                    raise UpstreamError(
                        f"{_place(directive)}: includes nest deeper than {depth} files, {path} in itself?"
                    )
                yield from self.expand(self.files[path], required, depth + 1)


def _files(text):
    """Return ``({file or None: [its top-level directives]}, [what any include in it names])``."""
    if not isinstance(text, str):
        raise UpstreamError(f"{_shown(text)} is no text; give the content of an nginx configuration")
    files = {None: []}
    patterns = []
    file, header_line = None, 0
    block = files[None]
    opened = []  # (the enclosing block, the directive that opened this one)
    words, line = [], 0
    for kind, value, at in _tokens(text):
        if kind == "comment":
            header = _FILE_HEADER.fullmatch(value)
            # nginx prints it between files only; inside a block it is somebody's comment.
            if header and not opened and not words:
                file, header_line = header.group(1), at
                block = files.setdefault(file, [])
        elif kind == "word":
            if not words:
                line = at - header_line
            words.append(value)
        elif kind == "}":
            if words:
                raise UpstreamError(f'{_at(file, line)}: "{_brief(words)}" does not end with ";" before the next "}}"')
            if not opened:
                raise UpstreamError(f'{_at(file, at - header_line)}: "}}" closes nothing')
            block, _opener = opened.pop()
        else:
            if not words:
                raise UpstreamError(f'{_at(file, at - header_line)}: unexpected "{kind}"')
            directive = _Directive(words, [] if kind == "{" else None, file, line)
            block.append(directive)
            if words[0] == "include" and len(words) == 2:
                patterns.append(words[1])
            if kind == "{":
                opened.append((block, directive))
                block = directive.block
            words = []
    if words:
        raise UpstreamError(f'{_at(file, line)}: the text ends within "{_brief(words)}"; is it truncated?')
    if opened:
        opener = opened[-1][1]
        raise UpstreamError(
            f'{_place(opener)}: the text ends before the "}}" of "{_brief(opener.words)}"; is it truncated?'
        )
    return files, patterns


def _tokens(text):
    """Yield (kind, value, line of the text): kind is "word" (its value unquoted), "comment", ";", "{" or "}".

    Of a block of Lua, only the braces around it.
    """
    position, line, name = 0, 1, ""
    while position < len(text):
        match = _TOKEN.match(text, position)
        if not match:
            what = "a quoted word is not closed, or text follows it" if text[position] in "\"'" else "a lone backslash"
            raise UpstreamError(f"line {line} of the text: {what}; is it truncated?")
        kind, value, end = match.lastgroup, match.group(), match.end()
        if kind == "mark":
            yield value, value, line
            if value == "{" and name.endswith("_by_lua_block"):
                end = _end_of_lua(text, end)
            name = ""
        elif kind == "comment":
            yield kind, value, line
        elif kind != "space":
            word = _unescaped(value[1:-1] if kind == "quoted" else value)
            name = name or word
            yield "word", word, line
        line += text.count("\n", position, end)
        position = end


def _end_of_lua(text, position):
    """Return where the "}" is that ends a block of Lua, the end of the text where there is none."""
    depth = 1
    for match in _LUA.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(match.group("brace"), 0)
        if depth == 0:
            return match.start()
    return len(text)


def _unescaped(word):
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match.group(1), match.group(1)), word)


def _server(directive):
    """Return the target that a ``server`` line names, None where it takes no requests."""
    if len(directive.words) < 2:
        raise UpstreamError(f"{_place(directive)}: a server without an address")
    address, parameters = directive.words[1], directive.words[2:]
    if "down" in parameters or "backup" in parameters:
        return None
    weight = DEFAULT_WEIGHT
    for parameter in parameters:
        if parameter.startswith("weight="):
            weight = _number_read(directive, parameter[len("weight=") :])
    if address.startswith("unix:"):
        return {"host": address, "port": None, "weight": weight}
    match = _ADDRESS.fullmatch(address)
    if not match:
        raise UpstreamError(f"{_place(directive)}: {_shown(address)} is no address of a server")
    port = DEFAULT_PORT if match.group(2) is None else _number_read(directive, match.group(2))
    if any(parameter.startswith("service=") for parameter in parameters):
        port = None
    return {"host": match.group(1), "port": port, "weight": weight}


def _number_read(directive, digits):
    if not re.fullmatch(r"[0-9]{1,18}", digits):
        raise UpstreamError(f'{_place(directive)}: {_shown(digits)} in "{_brief(directive.words)}" is no number')
    return int(digits)


def _glob_matches(pattern, path):
    """As glob(3), which nginx uses: ``*`` matches neither ``/`` nor a leading dot."""
    wanted, given = pattern.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        fnmatch.fnmatchcase(name, mask) and (not name.startswith(".") or mask.startswith("."))
        for mask, name in zip(wanted, given)
    )


def _place(directive):
    return _at(directive.file, directive.line)


def _at(file, line):
    return f"line {line}" if file is None else f"{file} line {line}"


def _brief(words):
    text = " ".join(words)
    return text if len(text) <= 60 else f"{text[:57]}..."
