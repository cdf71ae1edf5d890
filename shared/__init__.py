"""What both services agree on; nothing enters until both need it."""
