"""The store's pure part."""
