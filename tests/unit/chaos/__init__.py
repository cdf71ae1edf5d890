"""The judge of the chaos run, and that it can condemn."""
