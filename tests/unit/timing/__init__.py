"""The arithmetic of when: cron rules, zones, instants."""
