"""Who calls whom, for how long? The service's loops: relay, recorder, snapshots."""
