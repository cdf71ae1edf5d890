"""What may people send, and what do they get? marshmallow, in and out."""
