"""Jobs: whatever is to be brought into a library, item by item, so that it can be stopped and taken up again.

`listing` records what the sources offer, `loading` gets bytes that are not in files, `run` brings both to the
worker processes, `settling` writes what became of each item in the same transaction as its image.
"""
