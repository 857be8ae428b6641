"""A client of the service: the calls of the HTTP interface as methods with typed answers.

```python
from echo_image.client import Client

with Client("http://127.0.0.1:8000") as client:
    for match in client.search("meme.jpg").matches:
        print(match.score, match.verdict, match.location)
```

It needs nothing of the engine: neither NumPy nor OpenCV is loaded. `AsyncClient` has the same methods for
programs with an event loop.
"""

from echo_image.client.answers import (
    About,
    AddReport,
    BatchRow,
    Cause,
    Change,
    Explanation,
    Failure,
    ImageInfo,
    ImagePage,
    ItemPage,
    Job,
    JobItem,
    KeptQuery,
    LibraryInfo,
    Match,
    MatchedImage,
    QueryInfo,
    SearchAnswer,
    Session,
    Transform,
)
from echo_image.client.asynchronous import AsyncClient
from echo_image.client.blocking import Client
from echo_image.client.events import JobEvent
from echo_image.client.failures import (
    DeadlineExceeded,
    Forbidden,
    Overloaded,
    ServiceRefusal,
    TooManyRequests,
    Unauthorized,
    Unreachable,
)

__all__ = [
    "About",
    "AddReport",
    "AsyncClient",
    "BatchRow",
    "Cause",
    "Change",
    "Client",
    "DeadlineExceeded",
    "Explanation",
    "Failure",
    "Forbidden",
    "ImageInfo",
    "ImagePage",
    "ItemPage",
    "Job",
    "JobEvent",
    "JobItem",
    "KeptQuery",
    "LibraryInfo",
    "Match",
    "MatchedImage",
    "Overloaded",
    "QueryInfo",
    "SearchAnswer",
    "ServiceRefusal",
    "Session",
    "TooManyRequests",
    "Transform",
    "Unauthorized",
    "Unreachable",
]
