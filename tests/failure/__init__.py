"""What is promised while something dies, freezes, or is cut off."""
