"""How are on-call events, and what is around them, said in HTTP?"""
