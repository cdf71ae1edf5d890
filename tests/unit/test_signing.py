"""A signing secret is written as Standard Webhooks write it."""

from __future__ import annotations

import pytest

from shared.domain.signing import secret_bytes, secret_text


def test_a_secret_is_base64_after_its_prefix() -> None:
    secret = bytes(range(224, 256))

    assert secret_text(secret) == "whsec_4OHi4+Tl5ufo6err7O3u7/Dx8vP09fb3+Pn6+/z9/v8="
    assert secret_bytes(secret_text(secret)) == secret


@pytest.mark.parametrize("text", ["", "s3cret", "whsec_s3cret!", "whsec_s3cre", "WHSEC_AAAA"])
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        secret_bytes(text)
    assert "s3cre" not in str(refused.value)
