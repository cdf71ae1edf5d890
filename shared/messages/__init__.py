"""What exactly was said? Every message between the services, typed, versioned and pinned by golden bytes."""
