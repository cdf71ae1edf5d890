"""The store over a real Postgres: what is written is what is read, and nobody reads what is another's."""
