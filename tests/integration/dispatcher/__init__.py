"""The dispatcher on a bus, and its sender before real sockets."""
