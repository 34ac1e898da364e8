"""What Relaypoint promises about security, S1 to S30, and the tests that would fail if it were not so.

A test is named as pytest names it, without its parameters. ``mutations.py`` takes the protections away to show it.
"""

from __future__ import annotations

from typing import NamedTuple


class Promise(NamedTuple):
    """One promise in one line, and its proofs."""

    says: str
    proofs: tuple[str, ...]


PROMISES: dict[str, Promise] = {
    "S1": Promise(
        "every request carries the three Standard Webhooks headers, and a signature that reference libraries verify",
        (
            "tests/core/test_signing.py::test_the_specification_example_gives_the_published_signature",
            "tests/core/test_signing.py::test_the_reference_library_makes_the_same_signature",
            "tests/delivery/test_instant.py::test_the_signature_verifies_with_the_reference_library",
            "tests/delivery/test_signature_kinds.py::test_a_request_carries_the_signatures_its_webhook_asks_for",
        ),
    ),
    "S2": Promise(
        "the id is the same on every retry and redelivery and holds no dot; the time is fresh",
        (
            "tests/delivery/test_redeliver.py::test_pressed_fifty_times_at_once_it_is_pending_once_and_the_others_are_told",
            "tests/core/test_signing.py::test_an_ambiguous_id_is_never_signed",
        ),
    ),
    "S3": Promise(
        "each webhook has a secret of its own; a rotation signs with both for as long as asked",
        (
            "tests/routing/test_webhooks.py::test_rotation_overlaps_for_as_long_as_asked",
            "tests/core/test_signing.py::test_the_reference_library_verifies_with_either_secret_of_a_rotation",
            "tests/core/test_signing.py::test_a_new_secret_holds_32_random_bytes_and_is_never_the_same",
        ),
    ),
    "S4": Promise(
        "sent bytes = signed bytes = stored bytes, on every path",
        (
            "tests/delivery/test_same_bytes.py::test_deliveries_redeliveries_and_replays",
            "tests/delivery/test_same_bytes.py::test_retries_probes_and_backfills",
            "tests/delivery/test_same_bytes.py::test_a_test_send_shows_what_it_sent",
        ),
    ),
    "S5": Promise(
        "nothing but public addresses is dialled, unless the operator says so; the dialled address is the judged one",
        (
            "tests/delivery/targets/test_targets.py::test_no_hand_made_target_is_dialled_on_any_path_though_it_passed_every_check_of_its_form",
            "tests/delivery/targets/test_targets.py::test_no_generated_target_is_dialled_though_it_passed_every_check_of_its_form",
            "tests/delivery/test_egress.py::test_no_spelling_of_loopback_is_dialled",
            "tests/delivery/test_egress.py::test_a_kept_connection_is_judged_again",
            "tests/core/test_egress_table.py::test_a_wrapped_ipv4_address_is_judged_like_the_one_inside",
        ),
    ),
    "S6": Promise(
        "https by default, verified, TLS 1.2 at least; no other scheme; the port rule",
        (
            "tests/delivery/test_egress.py::test_only_http_and_https_exist",
            "tests/delivery/test_egress.py::test_plain_http_needs_the_operator",
            "tests/delivery/test_egress_hostile.py::test_bad_certificates_get_no_byte_of_the_request",
            "tests/core/test_egress_table.py::test_the_port_rule",
            "tests/core/test_endpoint_url.py::test_a_doubtful_url_is_refused_with_a_sentence_that_helps",
        ),
    ),
    "S7": Promise(
        "redirects are never followed and are a failure that says so",
        (
            "tests/delivery/test_egress_hostile.py::test_a_redirect_is_reported_and_not_followed",
            "tests/delivery/test_instant.py::test_a_redirect_is_not_followed",
        ),
    ),
    "S8": Promise(
        "each attempt ends in time whatever the receiver does",
        (
            "tests/delivery/test_egress_hostile.py::test_the_total_limit_and_the_header_cap_hold",
            "tests/delivery/test_egress_hostile.py::test_a_stalled_reset_or_plain_handshake_is_a_tls_failure",
            "tests/delivery/targets/test_targets.py::test_names_that_fail_are_told_apart_and_silent_ones_do_not_starve_the_others",
        ),
    ),
    "S9": Promise(
        "of an answer at most 64 KiB of body and of headers are read, and nothing is inflated",
        (
            "tests/delivery/test_egress_hostile.py::test_an_endless_body_is_cut_and_counts_by_its_status",
            "tests/delivery/test_egress_hostile.py::test_answers_of_a_gigabyte_cost_no_memory",
            "tests/delivery/test_egress_hostile.py::test_a_compressed_answer_is_kept_as_it_came",
        ),
    ),
    "S10": Promise(
        "no header can smuggle another, nor replace those that frame the message",
        (
            "tests/core/test_header_rules.py::test_no_accepted_line_can_become_two",
            "tests/core/test_header_rules.py::test_framing_headers_are_refused_at_save_and_in_the_builder",
            "tests/delivery/test_egress.py::test_what_cannot_be_sent_comes_back_as_a_configuration_error",
        ),
    ),
    "S11": Promise(
        "stored secrets are encrypted and open in their own place only; another master key takes over while all runs",
        (
            "tests/security/test_vault.py::test_what_is_sealed_opens_for_its_own_place_only",
            "tests/security/test_resealing.py::test_an_envelope_opens_in_no_other_row_tenant_or_field",
            "tests/routing/test_webhooks.py::test_written_secrets_never_come_back_and_are_sealed",
        ),
    ),
    "S12": Promise(
        "no secret in history, logs, errors, lists, Redis or tracebacks",
        (
            "tests/core/test_masking.py::test_no_secret_survives_anywhere_in_the_canonical_json",
            "tests/delivery/test_instant.py::test_history_shows_the_bytes_that_were_received_and_hides_secrets",
            "tests/queue/test_doorbell.py::test_redis_holds_nothing_but_partition_numbers",
            "tests/security/test_vault.py::test_printing_a_vault_shows_key_ids_only",
            "tests/faults/test_canaries.py::test_planted_secrets_are_found_nowhere",
        ),
    ),
    "S13": Promise(
        "what receivers and sources say is shown as text, and a download is never a page",
        (
            "tests/console/test_deliveries.py::test_a_delivery_shows_what_went_out_and_what_came_back_as_text",
            "tests/console/test_deliveries.py::test_downloads_are_the_exact_bytes_and_never_a_page",
        ),
    ),
    "S14": Promise(
        "each page and each answer has its headers: a strict policy, no framing, no sniffing, no referrer",
        (
            "tests/api/test_isolation_matrix.py::test_every_answer_has_the_security_headers",
            "tests/console/test_isolation.py::test_every_answer_has_the_headers_of_a_page",
            "tests/api/test_headers.py::test_the_api_says_exactly_this_whatever_it_answers",
            "tests/api/test_headers.py::test_a_page_may_load_and_run_what_is_ours_and_nothing_else",
        ),
    ),
    "S15": Promise(
        "sessions live on the server's side, end in time, and are new at each log-in",
        (
            "tests/security/test_front_door.py::test_a_session_ends_after_seven_days_however_much_it_is_used",
            "tests/security/test_front_door.py::test_signing_in_gives_a_new_session_and_ends_the_one_before",
            "tests/security/test_front_door_databases.py::test_a_session_ends_after_twelve_hours_without_use",
            "tests/console/door/test_entrance.py::test_over_https_the_cookie_is_bound_to_the_host",
        ),
    ),
    "S16": Promise(
        "each form carries the session's token and comes from our own pages; the API reads no cookie",
        (
            "tests/console/door/test_entrance.py::test_no_form_is_taken_without_its_token",
            "tests/console/door/test_entrance.py::test_a_form_of_another_site_is_refused",
            "tests/console/test_isolation.py::test_no_form_is_taken_from_another_site_or_without_its_token",
        ),
    ),
    "S17": Promise(
        "passwords are hashed with Argon2id; keys are stored as hashes, shown once, bound, and end",
        (
            "tests/security/test_front_door.py::test_the_real_parameters_are_those_of_rfc_9106",
            "tests/security/test_api_keys.py::test_the_key_itself_is_nowhere_in_the_database",
            "tests/security/test_api_keys.py::test_an_expired_key_is_unknown_from_that_moment",
            "tests/security/test_api_keys.py::test_a_revoked_key_ends_at_once_and_stays_listed",
        ),
    ),
    "S18": Promise(
        "a foreign id is not there, in a path, a query or a body; a route without an entry fails",
        (
            "tests/api/test_isolation_matrix.py::test_every_route_has_an_entry_and_every_entry_a_route",
            "tests/api/test_isolation_matrix.py::test_nobody_gets_what_is_not_theirs",
            "tests/api/test_isolation_matrix.py::test_a_body_that_names_somebody_elses_thing_gets_nothing_of_it",
            "tests/console/test_isolation.py::test_a_person_of_another_place_finds_no_page",
        ),
    ),
    "S19": Promise(
        "another origin of the endpoint takes the stored secrets away",
        (
            "tests/routing/test_webhooks.py::test_another_origin_takes_the_secrets_away",
            "tests/routing/test_webhooks.py::test_another_origin_takes_the_sinks_secrets_away_too",
        ),
    ),
    "S20": Promise(
        "incoming signatures are compared in constant time, in their time, once; nothing is parsed before",
        (
            "tests/security/test_inbound_signatures.py::test_a_wrong_signature_is_refused_with_the_same_words_whatever_is_wrong",
            "tests/security/test_inbound_signatures.py::test_five_minutes_early_or_late_is_believed_and_a_second_more_is_not",
            "tests/api/test_key_terms.py::test_nothing_is_read_of_a_body_before_its_signature",
            "tests/ingest/test_gate.py::test_a_copy_of_a_signed_message_is_a_duplicate_whatever_is_in_it_and_on_every_process",
            "tests/fuzz/test_smoke.py::test_no_parser_breaks_in_a_short_run_of_each_fuzzer",
        ),
    ),
    "S21": Promise(
        "log-ins, senders, test sends, redeliveries and requests to one receiver are limited",
        (
            "tests/security/test_front_door.py::test_guesses_from_one_address_end_for_a_while_whatever_the_account",
            "tests/ingest/test_gate.py::test_a_sender_that_has_taken_too_much_waits_and_then_gets_in",
            "tests/delivery/test_by_hand.py::test_each_webhook_has_its_own_bucket_and_it_fills_again",
            "tests/delivery/test_egress_rooms.py::test_a_receiver_of_many_webhooks_is_not_flooded_and_its_neighbour_does_not_wait",
        ),
    ),
    "S22": Promise(
        "our own changes are written in the transaction of the change, as a chain that can be checked",
        (
            "tests/routing/test_audit_chain.py::test_an_edited_record_is_named",
            "tests/routing/test_audit_chain.py::test_a_deleted_record_is_named",
            "tests/routing/test_audit_chain.py::test_a_change_that_was_not_committed_leaves_no_record",
        ),
    ),
    "S23": Promise(
        "whoever writes to Redis runs no code and learns nothing",
        (
            "tests/queue/test_job.py::test_a_job_that_names_another_function_is_not_executed",
            "tests/queue/test_job.py::test_callbacks_are_not_called",
            "tests/queue/test_job.py::test_the_notification_urls_of_rq_are_dead",
            "tests/queue/test_job.py::test_a_job_of_any_other_shape_is_refused",
            "tests/queue/test_job.py::test_fields_that_make_rq_act_are_dropped",
            "tests/queue/test_job.py::test_a_pickle_is_not_opened",
            "tests/queue/test_doorbell.py::test_redis_holds_nothing_but_partition_numbers",
        ),
    ),
    "S24": Promise(
        "only the plugins that may load do; a plugin that raises or hangs fails its own deliveries",
        (
            "tests/sinks/test_manager.py::test_an_allow_list_loads_nothing_else",
            "tests/sinks/test_manager.py::test_a_broken_plugin_breaks_only_itself",
            "tests/delivery/test_plugin_border.py::test_who_hangs_is_asked_once_and_its_webhook_waits_for_a_person",
        ),
    ),
    "S25": Promise(
        "what is installed is locked by hashes, listed, and asked about; vendored files are what their list says",
        (
            "tests/supply/test_lock.py::test_every_file_of_a_locked_package_has_its_hash_and_comes_from_the_index",
            "tests/supply/test_lock.py::test_the_makefile_installs_only_what_is_locked",
            "tests/supply/test_vendored.py::test_every_vendored_file_is_listed_and_is_what_the_list_says",
            "tests/supply/test_audit.py::test_a_known_vulnerability_fails_and_what_could_not_be_asked_is_named",
            "tests/cli/test_sbom.py::test_it_names_the_libcurl_and_every_openssl_inside",
            "tests/supply/test_wheel.py::test_two_builds_of_the_same_files_are_the_same_bytes",
        ),
    ),
    "S26": Promise(
        "no default credential; others are let in only over https and with a key that was chosen",
        (
            "tests/cli/test_people.py::test_others_are_let_in_only_over_https_and_with_a_chosen_key",
            "tests/cli/test_people.py::test_the_first_start_prints_a_link_until_somebody_used_one",
        ),
    ),
    "S27": Promise(
        "410 disables; Retry-After is honoured for a day at most; five days without success disable",
        (
            "tests/delivery/test_stops.py::test_a_receiver_that_is_gone_disables_its_webhook",
            "tests/delivery/test_throttle.py::test_retry_after_counts_in_every_form_up_to_a_day",
            "tests/delivery/test_failing.py::test_five_days_without_success_disable_and_resuming_delivers_what_was_kept",
        ),
    ),
    "S28": Promise(
        "every path ends in the one client, and nothing else opens a connection",
        (
            "tests/test_one_road_out.py::test_the_linter_finds_every_way_out_in_a_plugin_and_in_the_app",
            "tests/test_one_road_out.py::test_only_the_named_files_may_use_what_connects",
            "tests/delivery/test_audit_hook.py::test_only_redis_and_the_database_are_spoken_to_by_python",
            "tests/delivery/targets/test_targets.py::test_no_hand_made_target_is_dialled_on_any_path_though_it_passed_every_check_of_its_form",
        ),
    ),
    "S29": Promise(
        "one attempt is on the wire once",
        ("tests/delivery/test_egress_hostile.py::test_a_kept_connection_that_reads_and_closes_sees_each_attempt_once",),
    ),
    "S30": Promise(
        "the environment and an account's files change nothing about what leaves",
        (
            "tests/delivery/test_environment.py::test_a_hostile_account_changes_nothing_about_what_leaves",
            "tests/delivery/test_environment.py::test_no_process_starts_that_would_write_down_the_keys_of_its_connections",
        ),
    ),
}
