"""What does it look like from outside? Logs as events and the metrics both services share."""
