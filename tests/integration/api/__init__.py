"""The API over real HTTP and a real Postgres."""
