"""What is around every request: id, headers, packing, the client that goes away."""
