# Copyright (c) 2026 the hotswap.compose authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a hostile app prints and answers: the app of the e2e tests with the behaviour ``hostile``, and the unit tests of
everything that is displayed."""

from __future__ import annotations

import time

LINE = "PLAY RECAP of the attacker"
"""No line of a screen may begin with it."""

SAMPLES = {
    "it clears the screen": "\x1b[2J\x1b[H\x1b[31mred\x1b[0m",
    "it sets the title": "\x1b]0;owned\x07",
    "it links": "\x1b]8;;http://evil.example\x1b\\here\x1b]8;;\x1b\\",
    "it talks to the device": "\x1bPq#0\x1b\\\x1b_G\x1b\\\x1bc\x1b(0\x1b",
    "it does so in 8 bits": "\x9b2J\x9d0;owned\x9c\x90q\x9c",
    "it never ends a sequence": "\x1b]0;\x1b[31",
    "it writes over the line": "failed\rhealthy\b\b\x7f\x00\x07",
    "it ends the line": f"one\n{LINE}\r\n{LINE}\x0b\x0c\x1c\x85\u2028\u2029{LINE}",
    "it turns the text around": "\u202egnp.exe\u202c \u2066x\u2069 \u200f\u061c",
    "it hides": "pa\u200byp\u2060al\ufeff\u00ad\u3164\u115f\ufe0f\U000e0041\u034f",
    "it is not of any character set": "\udcff\ue000\ufdd0",
    "it is a template": "{{ lookup('ansible.builtin.pipe', 'touch pwned') }}{# #}",
    "it is markup": "</pre><script>alert(1)</script>",
    "it is long": "x" * 5000,
}

TEXT = " ".join(SAMPLES.values())
"""All of them."""

HUGE = 10_000_000
"""Bytes of its longest line, and of its largest answer."""


def print_log():
    """Print the longest line, and then each sample."""
    print("y" * HUGE, flush=True)
    for text in SAMPLES.values():
        print(text.encode("utf-8", "replace").decode(), flush=True)


def answer(path, out):
    """Write an answer to a file of bytes; what kind of answer is the path's."""
    head = b"HTTP/1.1 500 Error\r\nContent-Type: text/plain\r\n"
    body = TEXT.encode("utf-8", "replace")
    if path == "/dribble":  # a byte a second: no read of it ever times out
        for byte in head * 10:
            out.write(bytes([byte]))
            out.flush()
            time.sleep(1)
    elif path == "/endless":
        out.write(head + b"\r\n")
        while True:
            out.write(body)
    elif path == "/huge":
        out.write(head + b"Content-Length: %d\r\n\r\n" % HUGE + body + b"z" * (HUGE - len(body)))
    elif path == "/header":
        while True:
            out.write(head)
    else:
        out.write(head + b"Connection: close\r\n\r\n" + body)
