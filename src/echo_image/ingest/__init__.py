"""Bringing images into a library: where they come from, and the processes that read them."""
