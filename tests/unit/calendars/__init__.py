"""Calendars: rules that others expand, zones, feeds."""
