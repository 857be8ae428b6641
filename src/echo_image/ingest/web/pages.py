"""What a web page holds: its images, the links that lead on, and what it asks of robots.

`read_page` takes bytes and asks no network. Each image comes once and in its largest form, with its
alternative text. Attributes of single tags say all that is needed, so the page is read as a row of tags.
"""

from __future__ import annotations

from dataclasses import dataclass

from echo_image.ingest.web.collecting import Collected, collect
from echo_image.ingest.web.robots import directives
from echo_image.ingest.web.tokens import decode
from echo_image.ingest.web.urls import canonical_url


@dataclass(frozen=True, slots=True)
class PageLimits:
    """What reading one page may cost. What lies beyond a limit is left out, and `Page.cut` names the limit.

    Attributes:
        max_bytes: bytes read of a page; the largest pages of shops have 5 MB.
        max_elements: tags looked at.
        max_images, max_links: kept.
        max_json_ld_bytes: characters of JSON-LD, all blocks of a page together.
        max_text: characters of an alternative text or title.
    """

    max_bytes: int = 8 * 2**20
    max_elements: int = 200_000
    max_images: int = 5_000
    max_links: int = 10_000
    max_json_ld_bytes: int = 2 * 2**20
    max_text: int = 1_000


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another page.

    Attributes:
        url: absolute and canonical.
        nofollow: the page asks robots not to follow it.
        next: it is the next or previous page of a list (`rel=next`, `rel=prev`).
    """

    url: str
    nofollow: bool = False
    next: bool = False


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image of a page.

    Attributes:
        url: absolute and canonical.
        alt: alternative text, or a caption; may be empty.
        how: where it was found: img, srcset, lazy, large, picture, data, og:image, twitter:image, image_src,
            itemprop, preload, json-ld, style, background, poster, link, amp-img, svg.
        width, height: px as the page says, perhaps as shown; None where it says nothing.
    """

    url: str
    alt: str
    how: str
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What was read of a page.

    Attributes:
        url: canonical, where the page was found.
        base_url: what its relative URLs belong to.
        canonical: the URL that the page gives itself (`rel=canonical`); None where it gives none.
        title: may be empty.
        links, images: in the order of the page, each URL once.
        noindex, nofollow, noimageindex: what it asks of robots in `<meta name=robots>`.
        cut: names of the limits that left something out.
    """

    url: str
    base_url: str
    canonical: str | None
    title: str
    links: tuple[Link, ...]
    images: tuple[PageImage, ...]
    noindex: bool = False
    nofollow: bool = False
    noimageindex: bool = False
    cut: tuple[str, ...] = ()


def read_page(html: bytes, url: str, content_type: str = "", limits: PageLimits | None = None) -> Page:
    """Read a page. Broken, empty or hostile HTML is read as far as it goes; never fails.

    Args:
        html: as it came.
        url: absolute URL of the page, after redirects.
        content_type: the server's header with its parameters (`text/html; charset=koi8-r`); may be empty.
        limits: of the work; None for the default ones.
    """
    limits = limits or PageLimits()
    text = decode(html[: limits.max_bytes], content_type)
    found = collect(
        text,
        max_elements=limits.max_elements,
        max_found=4 * (limits.max_images + limits.max_links),
        max_json_ld=limits.max_json_ld_bytes,
    )
    own = canonical_url(url)
    base = canonical_url(found.base, own) or own if found.base else own
    asked = directives(", ".join(found.robots))
    images, links = _images(found, base, limits), _links(found, base, limits)
    cut = found.cut
    cut |= {"max_bytes"} if len(html) > limits.max_bytes else set()
    cut |= {"max_images"} if len(images) > limits.max_images else set()
    cut |= {"max_links"} if len(links) > limits.max_links else set()
    return Page(
        url=own,
        base_url=base,
        canonical=(canonical_url(found.canonical, base) or None) if found.canonical else None,
        title=_line(found.title, limits.max_text),
        links=tuple(links[: limits.max_links]),
        images=tuple(images[: limits.max_images]),
        noindex=asked.noindex,
        nofollow=asked.nofollow,
        noimageindex=asked.noimageindex,
        cut=tuple(sorted(cut)),
    )


def _images(found: Collected, base: str, limits: PageLimits) -> list[PageImage]:
    """Resolve the images, one more than allowed at most; of two with one URL the first counts."""
    kept: dict[str, PageImage] = {}
    for image in found.images:
        url = canonical_url(image.url, base)
        if not url:
            continue
        alt = _line(image.alt, limits.max_text)
        known = kept.get(url)
        if known is None:
            if len(kept) > limits.max_images:
                break
            kept[url] = PageImage(url, alt, image.how, image.width or None, image.height or None)
        elif (alt and not known.alt) or (image.width and not known.width):
            width, height = (
                (known.width, known.height) if known.width else (image.width or None, image.height or None)
            )
            kept[url] = PageImage(url, known.alt or alt, known.how, width, height)
    # The same image under http and https is one.
    return [
        image
        for image in kept.values()
        if not (image.url.startswith("http:") and "https" + image.url[4:] in kept)
    ]


def _links(found: Collected, base: str, limits: PageLimits) -> list[Link]:
    kept: dict[str, Link] = {}
    for link in found.links:
        url = canonical_url(link.url, base)
        if not url:
            continue
        known = kept.get(url)
        if known is None:
            if len(kept) > limits.max_links:
                break
            kept[url] = Link(url, link.nofollow, link.next)
        elif known.nofollow > link.nofollow or link.next > known.next:
            kept[url] = Link(url, known.nofollow and link.nofollow, known.next or link.next)
    return list(kept.values())


def _line(text: str, most: int) -> str:
    """Text in one line of bounded length."""
    return " ".join(text[: 4 * most].split())[:most].rstrip()
