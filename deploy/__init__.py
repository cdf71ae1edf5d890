"""How is it put up? One folder a way of running Carillon; nothing here is imported by a service."""
