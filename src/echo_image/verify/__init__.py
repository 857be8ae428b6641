"""Verification: deciding whether two images show the same thing, and saying what proves it."""
