"""Real parts together: a real Postgres, a real bus, a real HTTP server; no stand-ins for what is ours."""
