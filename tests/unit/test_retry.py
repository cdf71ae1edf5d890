"""What is tried again, and when: the table of answers, the backoff, and what `Retry-After` asks for."""

from __future__ import annotations

import pytest

from shared.domain.delivery import RetryPolicy
from shared.domain.firing import AttemptError
from shared.domain.retry import RETRY_AFTER_MOST_MS, backoff_ms, is_retryable, retry_after
from shared.timing.instants import Instant

NOW: Instant = 1_792_567_680_000  # 2026-10-21T07:28:00Z
DAY = RETRY_AFTER_MOST_MS


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_answers_that_may_be_better_another_time(status: int) -> None:
    assert is_retryable(AttemptError.STATUS, status)


@pytest.mark.parametrize("status", [301, 302, 304, 307, 400, 401, 403, 404, 409, 410, 422])
def test_answers_that_would_be_the_same(status: int) -> None:
    assert not is_retryable(AttemptError.STATUS, status)


def test_no_answer_is_tried_again_and_what_we_do_not_send_is_not() -> None:
    silent = (AttemptError.CONNECT, AttemptError.TLS, AttemptError.TIMEOUT, AttemptError.PROTOCOL, AttemptError.BREAKER)

    assert all(is_retryable(error, 0) for error in silent)
    assert not is_retryable(AttemptError.REFUSED, 0)


def test_the_bound_grows_by_the_coefficient_up_to_the_longest_and_the_wait_is_anything_below() -> None:
    policy = RetryPolicy()

    assert [backoff_ms(policy, attempt, 0.5) for attempt in (1, 2, 3, 9, 10, 5_000)] == [
        500, 1_000, 2_000, 128_000, 150_000, 150_000,
    ]  # fmt: skip
    assert backoff_ms(policy, 3, 0.0) == 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        (" 120 ", 120),
        ("99999999999999999999", DAY // 1000),
        ("Wed, 21 Oct 2026 07:28:30 GMT", 30),
        ("Wednesday, 21-Oct-26 07:28:30 GMT", 30),
        ("Wed Oct 21 07:28:30 2026", 30),  # asctime: RFC 9110 has a recipient accept it
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0),  # gone by
        ("Thu, 21 Oct 2027 07:28:00 GMT", DAY // 1000),
        ("", 0),
        ("-5", 0),
        ("1.5", 0),
        ("²", 0),
        ("soon", 0),
        ("Wed, 99 Oct 2026 07:28:00 GMT", 0),
        ("Wed, 21 Oct 2026 07:28:00 +9999999999", 0),
    ],
)
def test_retry_after(text: str, seconds: int) -> None:
    assert retry_after(text, NOW) == NOW + seconds * 1000
