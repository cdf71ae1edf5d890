"""Is this move legal? The nouns and their moves, as arithmetic: no JSON, no SQL, no HTTP, no clock."""
