"""What the service keeps between calls, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["KeepingSettings"]

_MIB = 2**20


@dataclass(frozen=True, slots=True)
class KeepingSettings:
    """Kept queries and jobs, each bounded; whoever asks the most cannot fill the disk.

    Attributes:
        state_dir: Folder for kept queries and for files that wait for a job. Empty: a private temporary
            folder that ends with the service. With one, kept queries survive a restart,
            and so do files that wait for a job.
        max_kept_queries: Most kept queries; the one used longest ago goes first.
        max_kept_bytes: Most bytes of them. 512 MiB hold about 250 photographs of a phone.
        kept_query_s: Seconds after its last use that a kept query is forgotten. 30 days: an address that was
            sent to a colleague still opens after the holidays.
        max_jobs: Jobs that wait or run.
        max_finished_jobs: Finished jobs that can still be looked at; older ones are forgotten.
        max_job_items: Most URLs and files of one job. 100,000 addresses are about 10 MB.
        max_job_bytes: Most bytes of uploaded files that wait for their jobs, over all jobs. Those of a job
            that was stopped by an error wait until it is resumed or forgotten.
        job_fetches: URLs of a job fetched at once; so many answers lie in memory. More than the fetches of
            one page and fewer than `max_fetches`, which other callers share.
        max_listeners: Connections that watch jobs; each costs a socket and little else.
        heartbeat_s: Seconds of silence after which a watching connection gets a comment, so that proxies keep
            it open; many close after 30 to 60.
    """

    state_dir: str = ""
    max_kept_queries: int = 1000
    max_kept_bytes: int = 512 * _MIB
    kept_query_s: float = 30 * 86_400.0
    max_jobs: int = 16
    max_finished_jobs: int = 100
    max_job_items: int = 100_000
    max_job_bytes: int = 4096 * _MIB
    job_fetches: int = 8
    max_listeners: int = 100
    heartbeat_s: float = 15.0
