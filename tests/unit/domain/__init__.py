"""What is legal, and what comes of it: unit tests of the domain."""
