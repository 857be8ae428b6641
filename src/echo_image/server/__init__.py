"""The service: a FastAPI application over one or several libraries, and its web page.

Useful for: a person with a browser, another program, a container beside a collection.
Not useful for: log-in, users and rights; put a reverse proxy that knows them in front.

It uses the public API of the package only, so whatever it can do, a script can do as well. Every stranger's
request is bounded before work is spent on it: bytes while they arrive (`body`), calls at once (`pool`),
addresses fetched (`echo_image.fetch`), and whose page may send it (`guard`).
"""

from echo_image.server.app import create_app
from echo_image.server.run import serve

__all__ = ["create_app", "serve"]
