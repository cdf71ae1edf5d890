"""The service's loops and their part of the store, over a real Postgres."""
