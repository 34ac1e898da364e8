"""The contract of a sink, as checks that need nothing but the sink.

``app.sinks.contract`` runs them as tests, ``relaypoint plugins check`` against what is installed.
"""

from app.sinks.kit.catalogue import CHECKS, Check
from app.sinks.kit.run import Result, run_checks
from app.sinks.kit.subject import BrokenContractError, Subject

__all__ = ["CHECKS", "BrokenContractError", "Check", "Result", "Subject", "run_checks"]
