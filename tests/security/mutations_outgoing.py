"""Protections of what goes out and of the secrets in it, taken away: promises S1 to S13."""

from __future__ import annotations

from tests.security.mutation import Mutation

_HOSTILE = "tests/delivery/test_egress_hostile.py::"
_EGRESS = "tests/delivery/test_egress.py::"
_HANDLE = "app/delivery/egress_handle.py"

OUTGOING: tuple[Mutation, ...] = (
    Mutation(
        "S1",
        "the last byte is not signed",
        "app/core/signing.py",
        "    inner.update(body)\n",
        "    inner.update(body[:-1])\n",
        ("tests/core/test_signing.py::test_the_reference_library_makes_the_same_signature",),
    ),
    Mutation(
        "S2",
        "each attempt has an id of its own",
        "app/delivery/launching.py",
        "parcel = Parcel(delivery_id(runtime.id, member.event_seq), load.members, (item,))",
        'parcel = Parcel(f"{delivery_id(runtime.id, member.event_seq)}-{now}", load.members, (item,))',
        (
            "tests/delivery/test_redeliver.py::test_pressed_fifty_times_at_once_it_is_pending_once_and_the_others_are_told",
        ),
    ),
    Mutation(
        "S3",
        "the former secret signs no more",
        "app/delivery/runtime.py",
        'if previous and (row["signing_previous_until"] or 0) > now:',
        "if previous and now < 0:",
        ("tests/delivery/test_instant.py::test_the_signature_verifies_with_the_reference_library",),
    ),
    Mutation(
        "S4",
        "a byte more is sent than was signed",
        _HANDLE,
        "curl.setopt(pycurl.POSTFIELDS, request.body)",
        'curl.setopt(pycurl.POSTFIELDS, request.body + b" ")',
        ("tests/delivery/test_same_bytes.py::test_a_test_send_shows_what_it_sent",),
    ),
    Mutation(
        "S5",
        "the socket callback refuses nothing",
        _HANDLE,
        "if self._refusal or self.errand is Errand.LOOK:",
        "if self.errand is Errand.LOOK:",
        (
            f"{_EGRESS}test_the_socket_callback_itself_refuses_and_names_address_and_rule",
            "tests/delivery/targets/test_targets.py::test_no_hand_made_target_is_dialled_on_any_path_though_it_passed_every_check_of_its_form",
            "tests/delivery/targets/test_targets.py::test_no_generated_target_is_dialled_though_it_passed_every_check_of_its_form",
        ),
    ),
    Mutation(
        "S5",
        "a kept connection is not judged again",
        _HANDLE,
        '        if not verdict.allowed:\n            self._refusal = f"{join_address(peer, port)}',
        '        if verdict is None:\n            self._refusal = f"{join_address(peer, port)}',
        (f"{_EGRESS}test_a_kept_connection_is_judged_again",),
    ),
    Mutation(
        "S5",
        "NAT64 is not unwrapped",
        "app/core/egress_table.py",
        "if address in _MAPPED or address in _NAT64:",
        "if address in _MAPPED:",
        ("tests/core/test_egress_table.py::test_a_wrapped_ipv4_address_is_judged_like_the_one_inside",),
    ),
    Mutation(
        "S6",
        "every scheme of libcurl is spoken",
        _HANDLE,
        "            (pycurl.PROTOCOLS, web),\n",
        "",
        (f"{_EGRESS}test_only_http_and_https_exist",),
    ),
    Mutation(
        "S6",
        "no certificate is verified",
        _HANDLE,
        "(pycurl.SSL_VERIFYPEER, 1)",
        "(pycurl.SSL_VERIFYPEER, 0)",
        (f"{_HOSTILE}test_bad_certificates_get_no_byte_of_the_request",),
    ),
    Mutation(
        "S6",
        "the name in a certificate does not count",
        _HANDLE,
        "(pycurl.SSL_VERIFYHOST, 2)",
        "(pycurl.SSL_VERIFYHOST, 0)",
        (f"{_HOSTILE}test_bad_certificates_get_no_byte_of_the_request",),
    ),
    Mutation(
        "S6",
        "plain http goes everywhere",
        "app/delivery/egress_guard.py",
        "if verdict.allowed and not (is_encrypted(scheme)",
        "if verdict.allowed and not (scheme",
        (f"{_EGRESS}test_plain_http_needs_the_operator",),
    ),
    Mutation(
        "S7",
        "redirects are followed",
        _HANDLE,
        "(pycurl.FOLLOWLOCATION, 0)",
        "(pycurl.FOLLOWLOCATION, 1)",
        (f"{_HOSTILE}test_a_redirect_is_reported_and_not_followed",),
    ),
    Mutation(
        "S8",
        "the limit is five times as long",
        _HANDLE,
        "curl.setopt(pycurl.TIMEOUT_MS, limits[0])",
        "curl.setopt(pycurl.TIMEOUT_MS, 5 * limits[0])",
        (f"{_HOSTILE}test_the_total_limit_and_the_header_cap_hold",),
    ),
    Mutation(
        "S8",
        "names that keep silent share the main road",
        "app/delivery/egress.py",
        "if is_syslog(url) or self._names.is_trusted(url):",
        "if url:",
        (
            "tests/delivery/targets/test_targets.py::test_names_that_fail_are_told_apart_and_silent_ones_do_not_starve_the_others",
        ),
    ),
    Mutation(
        "S9",
        "a body is read to its end",
        _HANDLE,
        "        self._truncated = True\n        return _ABORT",
        "        self._truncated = True\n        return None",
        (f"{_HOSTILE}test_an_endless_body_is_cut_and_counts_by_its_status",),
    ),
    Mutation(
        "S9",
        "answers are inflated",
        _HANDLE,
        '            (pycurl.PROXY, ""),\n',
        '            (pycurl.PROXY, ""),\n            (pycurl.ACCEPT_ENCODING, ""),\n',
        (f"{_HOSTILE}test_a_compressed_answer_is_kept_as_it_came",),
    ),
    Mutation(
        "S10",
        "values of headers are not looked at",
        "app/core/header_rules.py",
        "if _VALUE.fullmatch(value) is None or len(value) > MAX_VALUE_LENGTH:",
        "if len(value) > MAX_VALUE_LENGTH:",
        (
            "tests/core/test_header_rules.py::test_no_accepted_line_can_become_two",
            f"{_EGRESS}test_what_cannot_be_sent_comes_back_as_a_configuration_error",
        ),
    ),
    Mutation(
        "S11",
        "an envelope is bound to nothing",
        "app/security/vault.py",
        'return _VERSION + b"".join(len(part).to_bytes(4, "big") + part for part in encoded)',
        "return _VERSION + encoded[0]",
        (
            "tests/security/test_vault.py::test_what_is_sealed_opens_for_its_own_place_only",
            "tests/security/test_resealing.py::test_an_envelope_opens_in_no_other_row_tenant_or_field",
        ),
    ),
    Mutation(
        "S12",
        "the user's header values are in history",
        "app/delivery/launching.py",
        "headers += [[name, MASK] for name, _ in runtime.headers]",
        "headers += [[name, value] for name, value in runtime.headers]",
        ("tests/delivery/test_instant.py::test_history_shows_the_bytes_that_were_received_and_hides_secrets",),
    ),
    Mutation(
        "S13",
        "a download is a page",
        "app/console/views/delivery.py",
        'answer = Response(body, mimetype="application/octet-stream")',
        'answer = Response(body, mimetype="text/html")',
        ("tests/console/test_deliveries.py::test_downloads_are_the_exact_bytes_and_never_a_page",),
    ),
)
