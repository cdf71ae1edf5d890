"""The product as its users meet it: both services as processes, over real servers, timed by whom they ring."""
