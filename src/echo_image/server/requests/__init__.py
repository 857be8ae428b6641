"""What callers send → fields, files and images, bounded while it arrives."""
