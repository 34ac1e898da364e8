"""``python -m app.cli``: the same as ``relaypoint``."""

from app.cli import main

main(prog_name="relaypoint")
