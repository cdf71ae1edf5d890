"""Pure rooms and single parts: no sockets, no servers."""
