"""Owns the truth: validates, writes to Postgres, publishes what changed, records what came of it, answers questions."""
