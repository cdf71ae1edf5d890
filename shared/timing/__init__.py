"""When, as arithmetic: no clock, no zone guessed, no I/O."""
