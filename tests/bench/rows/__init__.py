"""What is measured, a module a row: each has `measure(place)`, which yields figures as it goes."""
