"""What a sender says of a stranger's URL when something goes wrong that nobody has foreseen."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from shared.domain.firing import AttemptError
from tests.integration.dispatcher.test_sender import post, sending


async def test_what_nobody_has_foreseen_is_a_failed_attempt_and_the_log_names_the_host_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A URL's path and query are between its owner and its receiver: some carry a token."""
    async with sending() as sender:

        async def fall_over(*_: object) -> None:
            raise RuntimeError

        monkeypatch.setattr(sender, "_exchange", fall_over)
        with capture_logs() as told:
            answer = await post(sender, "http://receiver.test:8080/hooks/T0KEN?key=S3CRET")

    assert (answer.status_code, answer.error) == (0, AttemptError.PROTOCOL)
    assert [(one["event"], one["host"]) for one in told] == [("attempt.failed", "http://receiver.test:8080")]
    assert "T0KEN" not in str(told)
    assert "S3CRET" not in str(told)
