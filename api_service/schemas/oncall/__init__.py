"""What may people send about who is on call, and what do they get?"""
