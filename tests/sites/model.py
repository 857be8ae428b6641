"""What a made site consists of, and what a crawl of it must find; uses no code of the package."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum


class Answer(StrEnum):
    """How the server answers for a URL."""

    GOOD = "good"
    NOT_FOUND = "404"
    GONE = "410"
    BUSY = "429, then good"
    HEALS = "500 twice, then good"
    BROKEN = "500 for ever"
    MOVED = "redirect to what is good"
    LOOP = "redirects in a circle"
    ENDLESS = "a body without end"
    HANGS = "a body that stops"
    HTML = "a page that is called an image"
    MISNAMED = "an image that is called a page"
    PACKED = "an image packed with gzip"


#: Answers after which an image is there.
KIND = frozenset({Answer.GOOD, Answer.BUSY, Answer.HEALS, Answer.MOVED, Answer.MISNAMED, Answer.PACKED})


class Form(StrEnum):
    """How a page shows an image."""

    IMG = "img"
    RELATIVE = "relative"
    SRCSET = "srcset"
    DENSITY = "density"
    LAZY = "lazy"
    LAZY_SRCSET = "lazy srcset"
    PICTURE = "picture"
    OG = "og:image"
    JSON_LD = "json-ld"
    STYLE = "style"
    LINK = "link"
    DOWNLOAD = "link without the name of a file"
    TRACKED = "tracked"
    NO_SCHEME = "no scheme"


@dataclass(frozen=True, slots=True)
class ImageUse:
    """An image on a page.

    Attributes:
        url: of the image, canonical.
        form: how the page shows it.
        alt: alternative text, for forms that have one.
        smaller: URLs of smaller forms of it, which must not be taken.
    """

    url: str
    form: Form = Form.IMG
    alt: str = ""
    smaller: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LinkUse:
    """A link on a page.

    Attributes:
        url: canonical.
        nofollow: not to be followed.
        next: to the next page of the same list.
        suffix: what is written behind the URL and means nothing: a fragment, a parameter that counts.
    """

    url: str
    nofollow: bool = False
    next: bool = False
    suffix: str = ""


@dataclass(slots=True)
class PageModel:
    """A page.

    Attributes:
        url: canonical.
        links, images: on it.
        answer: how it is answered; `MOVED` leads to `target`.
        target: where it leads to.
        canonical: what it calls itself.
        meta: of `<meta name=robots>`.
        header: `X-Robots-Tag`.
        disallowed: by robots.txt.
        base: whether relative URLs belong to another folder, by `<base href>`.
        counted: whether its images count as shown on it; another form of a page is not counted.
    """

    url: str
    links: list[LinkUse] = field(default_factory=list)
    images: list[ImageUse] = field(default_factory=list)
    answer: Answer = Answer.GOOD
    target: str = ""
    canonical: str = ""
    meta: str = ""
    header: str = ""
    disallowed: bool = False
    base: bool = False

    @property
    def asks(self) -> str:
        """What it asks of robots."""
        return f"{self.meta}, {self.header}"


@dataclass(frozen=True, slots=True)
class ImageModel:
    """An image.

    Attributes:
        url: canonical.
        body: number of the picture.
        answer: how it is answered.
        disallowed: by the robots.txt of its host.
        fate: what must become of it where it is not taken although it is there: too_small, repeated.
    """

    url: str
    body: int
    answer: Answer = Answer.GOOD
    disallowed: bool = False
    fate: str = ""


@dataclass(frozen=True, slots=True)
class Truth:
    """What a crawl must find.

    Attributes:
        taken: image URL → (page, alt) that it must have in the end.
        refused: image URL → why it must be found and not be taken: robots, too_small, repeated, the answer.
        pages: pages that must be read, with their depths.
    """

    taken: dict[str, tuple[str, str]]
    refused: dict[str, str]
    pages: dict[str, int]

    @property
    def offered(self) -> set[str]:
        """All image URLs that must be found."""
        return {*self.taken, *self.refused}


@dataclass(slots=True)
class SiteModel:
    """A site: its pages and images by URL, and the hosts whose pages belong to it."""

    start: str
    pages: dict[str, PageModel] = field(default_factory=dict)
    images: dict[str, ImageModel] = field(default_factory=dict)
    hosts: set[str] = field(default_factory=set)
    #: URLs of images that no crawl may ask for, and why.
    hidden: dict[str, str] = field(default_factory=dict)

    def depths(self) -> dict[str, int]:
        """Return the pages that a polite crawl reads, with the links that lead to each."""
        depths = {self.start: 0}
        left = deque([self.start])
        while left:
            url = left.popleft()
            page = self.pages.get(url)
            if page is None or page.disallowed:
                continue
            for target, weight in self._leads(page):
                depth = depths[url] + weight
                if target in self.pages and depth < depths.get(target, depth + 1):
                    depths[target] = depth
                    (left.append if weight else left.appendleft)(target)
        read = (url for url in depths if self._is_read(self.pages[url]))
        return {url: depths[url] for url in read}

    def _is_read(self, page: PageModel) -> bool:
        return not page.disallowed and page.answer in (Answer.GOOD, Answer.HEALS, Answer.BUSY)

    def _leads(self, page: PageModel) -> list[tuple[str, int]]:
        if page.target:
            return [(page.target, 0)] if self._is_own(page.target) else []
        if not self._is_read(page):
            return []
        leads = [(page.canonical, 0)] if page.canonical and self._is_own(page.canonical) else []
        if "nofollow" in page.asks or "none" in page.asks:
            return leads
        links = [link for link in page.links if not link.nofollow and self._is_own(link.url)]
        return leads + [(link.url, 0 if link.next else 1) for link in links]

    def _is_own(self, url: str) -> bool:
        return url.split("/")[2] in self.hosts

    def truth(self) -> Truth:
        """Work out what a crawl must find."""
        depths = self.depths()
        found: dict[str, tuple[int, str, str]] = {}
        for url, depth in depths.items():
            page = self.pages[url]
            if "noindex" in page.asks or "none" in page.asks or "noimageindex" in page.asks:
                continue
            for image in page.images:
                shown = (depth, page.canonical or url, image.alt)
                if image.form is Form.DOWNLOAD:  # found to be an image when it was asked for as a page
                    shown = (depth + 1, image.url, "")
                found[image.url] = min(found.get(image.url, shown), shown)
        taken, refused = {}, {}
        for url, (_, page_url, alt) in found.items():
            image_model = self.images[url]
            if image_model.disallowed:
                refused[url] = "robots"
            elif image_model.answer not in KIND:
                refused[url] = str(image_model.answer)
            elif image_model.fate:
                refused[url] = image_model.fate
            else:
                taken[url] = (page_url, alt)
        return Truth(taken, refused, depths)
