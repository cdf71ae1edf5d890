"""Rosters: at which instants something happens to a schedule, and what is said of it."""
