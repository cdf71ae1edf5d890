"""The product as its users meet it: both services as processes, over real servers, timed by a receiver of their rings."""
