"""What the API reads and shows, without a server."""
