"""What is written of who is on call?"""
