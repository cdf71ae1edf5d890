"""What is read and written of on-call events, without a server."""
