"""What is written? Rows to nouns and back, one SQL file beside its only reader; no policy, no HTTP."""
