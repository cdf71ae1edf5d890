"""What does the caller wish? One function a wish, in the domain's words; no request, no status code."""
