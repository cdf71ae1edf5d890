"""Who calls whom, for how long? The only `while`s of the service."""
