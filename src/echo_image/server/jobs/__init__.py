"""Jobs: additions that take longer than a call may.

The library remembers each job and what became of its items (`Library.jobs`); the service runs its own ones,
one after the other, and takes up again what a restart interrupted. `job` is what is known of one at the
moment, `running` runs one on a thread, `queue` says which is next, `spool` is where what was sent waits, and
`events` tells listeners. All but the spool and the run belongs to the event loop, so nothing of it needs a
lock.
"""

from echo_image.server.jobs.events import event_stream
from echo_image.server.jobs.items import listed_urls
from echo_image.server.jobs.job import Job, shown_item
from echo_image.server.jobs.queue import Asked, JobQueue
from echo_image.server.jobs.spool import Spool
from echo_image.server.jobs.waiting import set_within

__all__ = ["Asked", "Job", "JobQueue", "Spool", "event_stream", "listed_urls", "set_within", "shown_item"]
