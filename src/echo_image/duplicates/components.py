"""Which images hang together: the components of a graph that grows link by link."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Component:
    """Images that hang together.

    Attributes:
        members: their keys.
        score: the lowest score of the links that hold them together.
        identical: all links say that they have the same pixels.
    """

    members: list[int]
    score: float = 100.0
    identical: bool = True


class Components:
    """Grows by `link`; each key is a component of its own at first."""

    def __init__(self) -> None:
        self._parent: dict[int, int] = {}
        self._components: dict[int, Component] = {}

    def __contains__(self, key: int) -> bool:
        """Whether anything hangs together with `key`."""
        return self.root(key) in self._components

    def root(self, key: int) -> int:
        """Return what stands for the component of `key`: the same for two keys that hang together."""
        parent = self._parent
        while (above := parent.get(key, key)) != key:
            parent[key] = parent.get(above, above)
            key = above
        return key

    def link(self, first: int, second: int, *, score: float, identical: bool) -> None:
        """Join the components of two keys; one link between them is enough, a second one changes nothing."""
        a, b = self.root(first), self.root(second)
        if a == b:
            return
        one, other = (self._components.pop(key, Component([key])) for key in (a, b))
        if len(one.members) < len(other.members):
            a, b, one, other = b, a, other, one
        self._parent[b] = a
        one.members += other.members
        one.score = min(one.score, other.score, score)
        one.identical = one.identical and other.identical and identical
        self._components[a] = one

    def all(self) -> list[Component]:
        """Return the components of more than one key."""
        return list(self._components.values())
