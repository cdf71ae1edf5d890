"""What does it cost? Measurements that print tables; `make bench` runs them."""
