"""How does it reach the world? One attempt at one URL, and what came of it; the next attempt is not its business."""
