"""How the product is deployed: whether what is written for containers and clusters is true."""
