"""How is it said in HTTP? A request in, a response out: no rules, no SQL."""
