"""Groups of images of one library that show the same."""

from __future__ import annotations

from echo_image.duplicates.groups import DuplicateGroup, find_duplicates

__all__ = ["DuplicateGroup", "find_duplicates"]
