"""All checks of the contract, in the order in which they are worth reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.sinks.kit import answer_checks, confirmation_checks, golden, request_checks, settings_checks
from app.sinks.kit.subject import Subject


@dataclass(frozen=True, slots=True)
class Check:
    """One promise of a sink. ``run`` raises ``BrokenContractError`` when it is not kept."""

    name: str
    run: Callable[[Subject], None]

    @property
    def promise(self) -> str:
        """What is promised, in a sentence."""
        return (self.run.__doc__ or "").strip().splitlines()[0]


CHECKS = (
    Check("accepted", settings_checks.the_host_takes_it),
    Check("form", settings_checks.settings_can_be_drawn),
    Check("valid-settings", settings_checks.valid_settings_are_taken),
    Check("invalid-settings", settings_checks.invalid_settings_are_refused),
    Check("masking", settings_checks.secrets_are_masked),
    Check("hidden-secrets", request_checks.secrets_stay_hidden),
    Check("secret-address", request_checks.a_secret_address_stays_in_the_address),
    Check("determinism", request_checks.formatting_is_deterministic),
    Check("odd-events", request_checks.odd_events_make_valid_requests),
    Check("hostile-fields", request_checks.hostile_fields_stay_inside),
    Check("limits-full", request_checks.limits_hold_when_full),
    Check("limits-edge", request_checks.limits_hold_at_the_edge),
    Check("golden-requests", golden.requests_are_golden),
    Check("idempotency", request_checks.the_id_travels_along),
    Check("classification", answer_checks.every_answer_is_read),
    Check("golden-answers", golden.answers_are_golden),
    Check("waiting", answer_checks.waiting_is_honoured),
    Check("splitting", answer_checks.too_large_is_split),
    Check("quiet-reasons", answer_checks.reasons_repeat_no_secret),
    Check("receipts", confirmation_checks.receipts_can_be_kept),
    Check("confirm-request", confirmation_checks.the_question_names_its_receipts),
    Check("confirm-answers", confirmation_checks.confirmations_are_read),
    Check("golden-confirmations", golden.confirmations_are_golden),
    Check("probe", request_checks.the_probe_is_harmless),
    Check("concurrency", request_checks.threads_may_share_it),
)
"""Every check by name."""
