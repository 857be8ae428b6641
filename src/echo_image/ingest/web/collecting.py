"""Tags of a page → the URLs in them, as written; `pages` resolves them, since a `<base>` may come last."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from echo_image.ingest.web import choosing
from echo_image.ingest.web.choosing import Choice, is_web_url
from echo_image.ingest.web.srcset import css_images, read_srcset
from echo_image.ingest.web.structured import read_json_ld
from echo_image.ingest.web.tokens import Tag, attributes, tags, unescape
from echo_image.ingest.web.urls import looks_like_image

#: Names of meta tags with an image, and what the finding is called.
_META_IMAGES = {
    "og:image": "og:image",
    "og:image:url": "og:image",
    "og:image:secure_url": "og:image",
    "twitter:image": "twitter:image",
    "twitter:image:src": "twitter:image",
    "thumbnail": "og:image",
    "image": "itemprop",
}
_IMAGE_ELEMENTS = ("img", "amp-img", "amp-anim", "source")
_ROBOTS = ("robots", "echo-image")
_PX = re.compile(r"\s*+([0-9]{1,6})(?:\.[0-9]+)?\s*+(?:px)?\s*\Z")
_REFRESH = re.compile(r"\s*+[0-9.]*+\s*+[;,]?\s*+(?:url\s*+=\s*+)?[\"']?([^\"']*+)", re.IGNORECASE)


#: Attributes that any element may have.
_OF_INTEREST = re.compile(r"data-|style|background", re.IGNORECASE)
_BACKGROUNDS = frozenset(choosing.BACKGROUND)
_SHORTEST = len("data-a=b.gif")


@dataclass(slots=True)
class FoundImage:
    """An image as written; width and height in px, 0 where nothing is said."""

    url: str
    alt: str
    how: str
    width: int = 0
    height: int = 0


@dataclass(slots=True)
class FoundLink:
    """A link as written."""

    url: str
    nofollow: bool = False
    next: bool = False


@dataclass(slots=True)
class Collected:
    """All that was found; `cut` names the limits that were met."""

    base: str = ""
    canonical: str = ""
    title: str = ""
    robots: list[str] = field(default_factory=list)
    images: list[FoundImage] = field(default_factory=list)
    links: list[FoundLink] = field(default_factory=list)
    cut: set[str] = field(default_factory=set)


def collect(text: str, *, max_elements: int, max_found: int, max_json_ld: int) -> Collected:
    """Read a page's tags, `max_elements` of them, until `max_found` URLs are found."""
    collector = _Collector(max_json_ld)
    found = collector.found
    for count, tag in enumerate(tags(text, most=max_elements + 1), 1):
        if count > max_elements:
            found.cut.add("max_elements")
            break
        collector.take(tag)
        if len(found.images) + len(found.links) > max_found:
            found.cut.add("max_elements")
            break
    collector.end_picture()
    return found


class _Collector:
    """What is known while the tags go by."""

    def __init__(self, max_json_ld: int) -> None:
        self.found = Collected()
        self._json_ld_left = max_json_ld
        self._picture: list[Choice] | None = None
        self._picture_image: FoundImage | None = None
        self._linked: FoundImage | None = None  # the image that the open <a> leads to
        self._by_name: dict[str, Callable[[Tag, dict[str, str]], None]] = {
            "img": self._img,
            "amp-img": self._img,
            "amp-anim": self._img,
            "source": self._source,
            "a": self._a,
            "area": self._a,
            "link": self._link,
            "meta": self._meta,
            "base": self._base,
            "script": self._script,
            "title": self._title,
            "video": self._video,
            "image": self._svg_image,
            "feimage": self._svg_image,
            "input": self._input,
            "iframe": self._frame,
            "frame": self._frame,
        }

    def take(self, tag: Tag) -> None:
        """Note what a tag says."""
        name = tag.name
        if name == "picture":
            self.end_picture()
            self._picture = None if tag.is_end else []
            return
        if tag.is_end:
            if name == "a":
                self._linked = None
            return
        reader = self._by_name.get(name)
        rest = tag.rest
        if reader is None and (len(rest) < _SHORTEST or _OF_INTEREST.search(rest) is None):
            return
        values = attributes(rest)
        if reader is not None:
            reader(tag, values)
        if "style" in values or "data-" in rest.lower() or "background" in values:
            self._of_any_element(name, values)

    def _of_any_element(self, name: str, values: dict[str, str]) -> None:
        about = values.get("aria-label", "") or values.get("data-alt", "") or values.get("alt", "")
        if "style" in values:
            for url in css_images(values["style"]):
                self._image(url, about, "style")
        if name not in _IMAGE_ELEMENTS:
            for attribute in sorted(_BACKGROUNDS.intersection(values)):
                value = values[attribute]
                for url in css_images(value) if "url(" in value else [value]:
                    self._image(url, about, "background")
            chosen = choosing.best(c for c in choosing.choices(values, how="") if looks_like_image(c.url))
            if chosen is not None and chosen.how in ("lazy", "large"):
                self._image(chosen.url, about, "data")
        for value in choosing.other_data(values):
            self._image(value, about, "data")

    def _image(self, url: str, alt: str, how: str, width: int = 0, height: int = 0) -> None:
        if is_web_url(url):
            self.found.images.append(FoundImage(url, alt, how, width, height))

    def _img(self, tag: Tag, values: dict[str, str]) -> None:
        offered = choosing.choices(values, how="img" if tag.name == "img" else "amp-img")
        alt = values.get("alt", "") or values.get("title", "")
        shown = FoundImage("", alt, "", _px(values.get("width", "")), _px(values.get("height", "")))
        if self._linked is not None and alt and not self._linked.alt:
            self._linked.alt = alt
        if self._picture is not None:
            self._picture += offered
            self._picture_image = self._picture_image or shown
            return
        self._chosen(offered, shown)

    def _source(self, tag: Tag, values: dict[str, str]) -> None:
        if self._picture is not None:
            self._picture += choosing.source_choices(values)

    def end_picture(self) -> None:
        """Take the largest of the picture that ends here (or that the page left open)."""
        if self._picture:
            self._chosen(self._picture, self._picture_image or FoundImage("", "", ""))
        self._picture = self._picture_image = None

    def _chosen(self, offered: list[Choice], shown: FoundImage) -> None:
        chosen = choosing.best(offered)
        if chosen is None:
            return
        width, height = shown.width, shown.height
        if chosen.width:
            height = round(height * chosen.width / width) if width and height else 0
            width = chosen.width
        self._image(chosen.url, shown.alt, chosen.how, width, height)

    def _a(self, tag: Tag, values: dict[str, str]) -> None:
        url = values.get("href", "")
        self._linked = None
        if not is_web_url(url):
            return
        if looks_like_image(url):
            alt = values.get("title", "") or values.get("alt", "")
            self.found.images.append(FoundImage(url, alt, "link"))
            self._linked = self.found.images[-1]
            return
        words = values.get("rel", "").lower().split()
        is_next = not {"next", "prev", "previous"}.isdisjoint(words)
        self.found.links.append(FoundLink(url, "nofollow" in words, is_next))

    def _link(self, tag: Tag, values: dict[str, str]) -> None:
        url = values.get("href", "")
        words = values.get("rel", "").lower().split()
        if "canonical" in words and not self.found.canonical:
            self.found.canonical = url
        if "image_src" in words or values.get("itemprop", "") in ("image", "thumbnailUrl"):
            self._image(url, "", "image_src" if "image_src" in words else "itemprop")
        if not {"next", "prev", "previous"}.isdisjoint(words) and is_web_url(url):
            self.found.links.append(FoundLink(url, next=True))
        if "preload" in words and values.get("as", "").lower() == "image":
            entries = [entry for entry in read_srcset(values.get("imagesrcset", "")) if is_web_url(entry.url)]
            largest = max(entries, key=lambda entry: (entry.width, entry.density), default=None)
            self._image(largest.url if largest else url, "", "preload", largest.width if largest else 0)

    def _meta(self, tag: Tag, values: dict[str, str]) -> None:
        content = values.get("content", "")
        if values.get("http-equiv", "").lower() == "refresh":
            url = _REFRESH.match(content)
            if url and is_web_url(url[1]):
                self.found.links.append(FoundLink(url[1]))
        name = (values.get("property") or values.get("name") or values.get("itemprop") or "").strip().lower()
        if name in _ROBOTS:
            self.found.robots.append(content)
        elif name in _META_IMAGES:
            self._image(content, "", _META_IMAGES[name])
        elif name in ("og:image:alt", "og:image:width", "og:image:height", "twitter:image:alt"):
            self._about_last(name, content)

    def _about_last(self, name: str, content: str) -> None:
        kind, _, what = name.rpartition(":")
        last = self.found.images[-1] if self.found.images else None
        if last is None or last.how != kind:
            return
        if what == "alt":
            last.alt = content
        elif what == "width":
            last.width = _px(content)
        else:
            last.height = _px(content)

    def _base(self, tag: Tag, values: dict[str, str]) -> None:
        if not self.found.base:
            self.found.base = values.get("href", "").strip()

    def _script(self, tag: Tag, values: dict[str, str]) -> None:
        if "ld+json" not in values.get("type", "").lower():
            return
        if len(tag.text) > self._json_ld_left:
            self.found.cut.add("max_json_ld_bytes")
            return
        self._json_ld_left -= len(tag.text)
        for image in read_json_ld(tag.text):
            self._image(image.url, image.caption, "json-ld", image.width, image.height)

    def _title(self, tag: Tag, values: dict[str, str]) -> None:
        if not self.found.title:
            self.found.title = unescape(tag.text[:10_000])

    def _video(self, tag: Tag, values: dict[str, str]) -> None:
        self._image(
            values.get("poster", "") or values.get("data-poster", ""), values.get("title", ""), "poster"
        )

    def _svg_image(self, tag: Tag, values: dict[str, str]) -> None:
        # Outside of SVG, <image> is another word for <img>.
        url = values.get("href") or values.get("xlink:href") or values.get("src") or ""
        self._image(
            url, values.get("alt", ""), "svg", _px(values.get("width", "")), _px(values.get("height", ""))
        )

    def _input(self, tag: Tag, values: dict[str, str]) -> None:
        if values.get("type", "").lower() == "image":
            self._image(values.get("src", ""), values.get("alt", ""), "img")

    def _frame(self, tag: Tag, values: dict[str, str]) -> None:
        url = values.get("src", "")
        if is_web_url(url):
            self.found.links.append(FoundLink(url))


def _px(text: str) -> int:
    found = _PX.match(text[:20])
    return int(found[1]) if found else 0
