"""Jobs: additions that take longer than a call may.

`job` says what is known of one, `items` what it has to do, `spool` where its files wait, `queue` runs them
one after the other, and `events` tells listeners. All but the spool belongs to the event loop, so nothing of
it needs a lock.
"""

from echo_image.server.jobs.events import event_stream
from echo_image.server.jobs.items import JobItem, listed_urls
from echo_image.server.jobs.job import Job, JobState
from echo_image.server.jobs.queue import JobQueue
from echo_image.server.jobs.spool import Spool
from echo_image.server.jobs.waiting import set_within

__all__ = ["Job", "JobItem", "JobQueue", "JobState", "Spool", "event_stream", "listed_urls", "set_within"]
