"""What a benchmark says of what it measured."""
