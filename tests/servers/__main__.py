"""`python -m tests.servers`: install what tests need, once, before they start, and not in each worker at once."""

from __future__ import annotations

from tests.servers import prometheus, rabbit

if __name__ == "__main__":
    # Where something cannot be had, the tests that need it say what to do.
    if rabbit.server_scripts() is None:
        rabbit.install()
    if not prometheus.is_there():
        prometheus.install()
