"""What now, given the facts? Pure: no await, no clock, no socket; values in, decisions out."""
