"""What does the API say of itself? The table of its operations, and the page that shows them to people."""
