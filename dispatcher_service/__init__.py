"""Owns time: keeps a heap of timers, fires each with an HTTP request, and reports. It has no database."""
