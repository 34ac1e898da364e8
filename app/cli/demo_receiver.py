"""The receiver of ``relaypoint up --demo``: ``relaypoint receive`` with the signing secrets of the demo's webhooks.

Run as ``python -m app.cli.demo_receiver PORT``. It reads the secrets from the instance folder, because a command line
can be read by every user of the machine.
"""

from __future__ import annotations

import asyncio
import sys
import time

from app.cli.demo_state import STATE_FILE, read_state
from app.cli.receive import Manners, Receiver
from app.cli.receiver_tally import Tally
from app.core.signing import parse_secret
from app.settings import load_settings

_WAIT_S = 0.1


def run(port: int) -> None:
    """Wait until the demo has written its secrets, then receive until killed."""
    path = load_settings().instance / STATE_FILE
    while not ((state := read_state(path)) and state.secrets):
        time.sleep(_WAIT_S)
    tally = Tally([parse_secret(secret) for secret in state.secrets])
    asyncio.run(Receiver(tally, Manners(status=200, body=b"ok", delay_s=0, fail_first=0)).run("127.0.0.1", port))


if __name__ == "__main__":
    run(int(sys.argv[1]))
