"""What does the caller wish of on-call events, and of what is around them?"""
