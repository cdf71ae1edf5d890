"""How does it travel? Queues, acknowledgements and ownership of shards; bytes pass through unread."""
