"""How does a newcomer try it? Postgres, both services and an echo in one process; the only room that sees both."""
