"""Faults drawn at random under load, and the judgement of what came of every instant."""
