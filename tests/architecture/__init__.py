"""The shape of the house: what no other tool holds."""
