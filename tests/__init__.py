"""Does it hold? unit (no sockets), contract, integration, acceptance, failure and architecture, each a room."""
