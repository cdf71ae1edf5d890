"""`python -m tests.servers`: install what tests need, once, before they start, and not in each worker at once."""

from __future__ import annotations

from tests.servers.rabbit import install, server_scripts

if __name__ == "__main__" and server_scripts() is None:
    install()  # where it cannot, the tests that need it say what to do
