"""Real servers, for tests that need them."""
