"""What exactly was said: golden bytes and round trips."""
