"""Ask this container's own GET /health-check: `probe.py PORT`; exits 0 only where the answer is 200."""

import socket
import sys

with socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=4) as connection:
    connection.sendall(b"GET /health-check HTTP/1.0\r\nHost: localhost\r\n\r\n")
    answer = b""
    while True:
        part = connection.recv(4096)
        if not part:
            break
        answer += part
head, _end, body = answer.partition(b"\r\n\r\n")
status = head.split(b"\r\n")[0].decode("latin-1")
print(status, body.decode("utf-8", "replace").strip())
sys.exit(0 if status.split(" ")[1:2] == ["200"] else 1)
