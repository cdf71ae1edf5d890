"""Stand-ins that keep the contract of what they stand for, and nothing more."""
