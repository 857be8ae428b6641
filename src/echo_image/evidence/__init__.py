"""Evidence: one drawing that shows a person at a glance why two images match, or what is not proven.

Top: query and library image side by side, the shared region outlined in both, lines between the places
that were recognised. Bottom: both laid upon each other in alternating squares, a map of how alike they are
point by point, and the facts in words.
"""

from __future__ import annotations

from echo_image.evidence.sheet import MAX_LONG_SIDE, draw_evidence

__all__ = ["MAX_LONG_SIDE", "draw_evidence"]
