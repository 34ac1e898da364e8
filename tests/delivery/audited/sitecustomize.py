"""Put on the path of real processes: writes down whom Python speaks to. libcurl does not speak through Python."""

import os
import sys

_WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "subprocess.Popen"}
_FILE = os.open(os.environ["AUDIT_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)


def _hook(event: str, arguments: tuple[object, ...]) -> None:
    if event in _WATCHED:
        said = arguments[1 if event in {"socket.connect", "socket.sendto"} else 0]
        os.write(_FILE, f"{event} {said!r}\n".encode(errors="replace"))


sys.addaudithook(_hook)
os.write(_FILE, b"watching\n")
