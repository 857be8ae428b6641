"""Processes that read, decode and extract, and survive whatever a file does to them."""
