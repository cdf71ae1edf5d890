"""On-call events and what is around them, with a client's eyes."""
