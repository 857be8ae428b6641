"""A web site made for tests, which knows what a crawl of it must find.

`model` says what a site is and works out the truth, `shop` makes one, `markup` writes its pages, `server`
serves them. The same size and ports give the same site, in every process.
"""
