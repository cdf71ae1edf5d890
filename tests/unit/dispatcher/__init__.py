"""The dispatcher's core and its loops, in virtual time."""
