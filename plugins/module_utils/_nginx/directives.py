# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The directives of an nginx configuration: text to words, blocks and files. Pure."""

from __future__ import annotations

import re
import typing as t

from .._errors import UpstreamError

# nginx's own rules: quotes, "}" and "#" only count at the start of a word, and "${" does not open a block.
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
# Braces in Lua, and constructs that may contain other braces: long brackets, comments, strings, also unterminated ones.
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
_FILE_HEADER = re.compile(r"# configuration file (.+):\r?")


class Directive(t.NamedTuple):
    words: list  # the name and its arguments, unquoted
    block: list | None  # the directives within, None where it ends with ";"
    file: str | None  # from the header line of an `nginx -T` dump
    line: int  # in that file, from 1


def read_directives(text):
    """Return ``{file: [its top-level directives]}``. The file is None for text without a header line of a dump.

    ``text``: a file, a part of one, or the output of ``nginx -T``. Raises UpstreamError if it is truncated or
    unbalanced.
    """
    if not isinstance(text, str):
        raise UpstreamError(f"{shown(text)} is not text; give the content of an nginx configuration")
    files = {None: []}
    file, header_line = None, 0
    block = files[None]
    opened = []  # (the enclosing block, the directive that opened this one)
    words, line = [], 0
    for kind, value, at in _tokens(text):
        if kind == "comment":
            header = _FILE_HEADER.fullmatch(value)
            # nginx prints such a header only between files. Inside a block, it is a user's comment.
            if header and not opened and not words:
                file, header_line = header.group(1), at
                block = files.setdefault(file, [])
        elif kind == "word":
            if not words:
                line = at - header_line
            words.append(value)
        elif kind == "}":
            if words:
                raise UpstreamError(f'{_at(file, line)}: "{brief(words)}" does not end with ";" before the next "}}"')
            if not opened:
                raise UpstreamError(f'{_at(file, at - header_line)}: "}}" closes nothing')
            block, _opener = opened.pop()
        else:
            if not words:
                raise UpstreamError(f'{_at(file, at - header_line)}: unexpected "{kind}"')
            directive = Directive(words, [] if kind == "{" else None, file, line)
            block.append(directive)
            if kind == "{":
                opened.append((block, directive))
                block = directive.block
            words = []
    if words:
        raise UpstreamError(f'{_at(file, line)}: the text ends within "{brief(words)}"; is it truncated?')
    if opened:
        opener = opened[-1][1]
        raise UpstreamError(
            f'{place_of(opener)}: the text ends before the "}}" of "{brief(opener.words)}"; is it truncated?'
        )
    return files


def _tokens(text):
    """Yield (kind, value, line of the text). The kind is "word" (its value unquoted), "comment", ";", "{" or "}".

    Of a Lua block, it only yields the outer braces.
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
    """Return the place of the "}" that ends a Lua block, or the end of the text."""
    depth = 1
    for match in _LUA.finditer(text, position):
        depth += {"{": 1, "}": -1}.get(match.group("brace"), 0)
        if depth == 0:
            return match.start()
    return len(text)


def _unescaped(word):
    return _ESCAPE.sub(lambda match: _ESCAPED.get(match.group(1), match.group(1)), word)


def place_of(directive):
    """Return the place of a directive as text."""
    return _at(directive.file, directive.line)


def _at(file, line):
    return f"line {line}" if file is None else f"{file} line {line}"


def brief(words):
    """Return words of a configuration as one short text."""
    text = " ".join(words)
    return text if len(text) <= 60 else f"{text[:57]}..."


def shown(value):
    """Return a value as Python writes it, shortened."""
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
