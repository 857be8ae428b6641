"""What an archive may cost: limits, and the budget that counts against them.

An archive of some KB can unpack to petabytes: by its compression, by entries that share the same bytes, by
archives within archives. So what is counted is what is really unpacked, over all levels together, and what an
archive says of itself is only believed where it makes a limit stricter.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from echo_image.errors import EchoImageError, LimitExceeded

__all__ = ["MAX_NAME_CHARACTERS", "ArchiveLimits", "Budget", "too_large"]

#: Names of members are cut to this length; file systems end at about as much.
MAX_NAME_CHARACTERS = 4096
#: So much may be unpacked at any ratio: a page of white pixels is smaller by a factor of thousands.
_FREE_BYTES = 64 * 2**20


@dataclass(frozen=True, slots=True)
class ArchiveLimits:
    """Limits of one archive with all archives in it.

    Attributes:
        max_members: entries of any kind. Half a million hold a large photo archive.
        max_unpacked_bytes: unpacked in all. A tebibyte is 200,000 photographs of 5 MB.
        max_ratio: unpacked bytes for each byte of the archive, beyond the first 64 MiB. Images hardly shrink.
        max_depth: archives within archives that are opened; 0 opens none.
        max_nested_bytes: size of an archive within an archive, which is held in memory or a temporary file.
        max_member_bytes: encoded size of one image; from the limits of decoding.
    """

    max_members: int
    max_unpacked_bytes: int
    max_ratio: int
    max_depth: int
    max_nested_bytes: int
    max_member_bytes: int


@dataclass(slots=True)
class Budget:
    """Counts what an archive costs; every crossing raises, and goes on raising.

    Attributes:
        limits: what it may cost.
        packed_bytes: size of the outermost archive.
    """

    limits: ArchiveLimits
    packed_bytes: int
    members: int = 0
    unpacked_bytes: int = 0
    _over: EchoImageError | None = field(default=None, init=False)

    def check(self) -> None:
        """Raise again what was raised before; a reader of one member may have kept it to itself."""
        if self._over is not None:
            raise self._over

    def count_member(self) -> None:
        """Count one entry of any kind.

        Raises:
            LimitExceeded: more than `max_members`.
        """
        self.members += 1
        if self.members > self.limits.max_members:
            self._refuse(f"more than {self.limits.max_members:,} members", "max_members")

    def spend(self, num_bytes: int) -> None:
        """Count bytes that were unpacked.

        Raises:
            LimitExceeded: more than `max_unpacked_bytes` or `max_ratio`.
        """
        self.unpacked_bytes += num_bytes
        if self.unpacked_bytes > self.limits.max_unpacked_bytes:
            self._refuse(f"more than {self.limits.max_unpacked_bytes:,} unpacked bytes", "max_unpacked_bytes")
        allowed = self.limits.max_ratio * self.packed_bytes
        if self.unpacked_bytes > max(_FREE_BYTES, allowed):
            each = f"unpacked bytes for each of its {self.packed_bytes:,} bytes"
            self._refuse(f"more than {self.limits.max_ratio:,} {each}", "max_ratio")

    def _refuse(self, what: str, limit: str) -> None:
        self._over = LimitExceeded(
            f"The archive has {what}; it is not read any further.",
            hint=f"If you trust it, raise the limit {limit} or unpack it yourself and add the folder.",
        )
        raise self._over


def too_large(num_bytes: int | None, limit: int, name: str) -> LimitExceeded:
    """Return the error of a member that is too large; None bytes for a size that is not known."""
    given = "more" if num_bytes is None else f"{num_bytes:,} bytes"
    return LimitExceeded(
        f"The member has {given}; the limit is {limit:,} bytes.",
        hint=f"If you trust it, raise the limit {name}.",
    )
