"""What does the API of on-call events say of itself?"""
