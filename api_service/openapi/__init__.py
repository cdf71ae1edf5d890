"""What does the API say of itself? One OpenAPI document of both APIs."""
