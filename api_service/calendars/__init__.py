"""How do calendar programs read it? iCalendar texts of who is on call (RFC 5545, RFC 7986)."""
