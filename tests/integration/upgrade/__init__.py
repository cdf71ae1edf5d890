"""The previous release runs while this one starts: neither may break the other."""
