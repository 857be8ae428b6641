"""Writes a page as shops and museums do."""

from __future__ import annotations

import json
from html import escape
from urllib.parse import urlsplit

from tests.sites.model import Form, ImageUse, LinkUse, PageModel

_PLACEHOLDER = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def _path(url: str) -> str:
    split = urlsplit(url)
    return split.path + (f"?{split.query}" if split.query else "")


def _relative(url: str, page: PageModel) -> str:
    """A URL of the page's own host, relative to its folder."""
    if urlsplit(url).netloc != urlsplit(page.url).netloc:
        return url
    if page.base:
        return _path(url).removeprefix("/")  # the base is the top of the site
    ups = urlsplit(page.url).path.count("/") - 1
    return "./" + "../" * ups + _path(url).removeprefix("/")


def _body_image(image: ImageUse, page: PageModel) -> str:
    url, alt = escape(image.url), escape(image.alt)
    small = [escape(one) for one in image.smaller]
    if image.form is Form.RELATIVE:
        return f'<IMG SRC={escape(_relative(image.url, page))} alt="{alt}">'
    if image.form is Form.SRCSET:
        entries = ", ".join(f"{one} {200 * n}w" for n, one in enumerate(small, 1))
        return f'<img src="{small[0]}" srcset="{entries}, {url} 1600w" sizes="50vw" alt="{alt}">'
    if image.form is Form.DENSITY:
        return f'<img src="{small[0]}" srcset="{small[0]} 1x, {url} 2x" alt="{alt}">'
    if image.form is Form.LAZY:
        return f'<img class="lazyload" src="{_PLACEHOLDER}" data-src="{url}" alt="{alt}">'
    if image.form is Form.LAZY_SRCSET:
        entries = f"{small[0]} 300w, {url} 1200w"
        return f'<img src="{_PLACEHOLDER}" data-srcset="{entries}" alt="{alt}">'
    if image.form is Form.PICTURE:
        sources = f'<source type="image/webp" srcset="{small[0]} 300w, {url} 1200w">'
        return f'<picture>{sources}<img src="{small[-1]}" alt="{alt}"></picture>'
    if image.form is Form.STYLE:
        return f"<div style=\"color:red; background-image: url('{escape(_path(image.url))}')\"></div>"
    if image.form in (Form.LINK, Form.DOWNLOAD):
        return f'<a href="{url}">in full</a>'
    if image.form is Form.TRACKED:
        sign = "&amp;" if "?" in image.url else "?"
        return f'<img src="{url}{sign}utm_source=feed&amp;fbclid=x1#zoom" alt="{alt}">'
    if image.form is Form.NO_SCHEME:
        return f"<img alt='{alt}' src='{url.removeprefix('http:')}'>"
    return f'<img src="{url}" alt="{alt}" width="400">'


def _head_image(image: ImageUse) -> str:
    if image.form is Form.OG:
        return f'<meta property="og:image" content="{escape(image.url)}">'
    if image.form is Form.JSON_LD:
        data = {"@context": "https://schema.org", "@type": "Product", "name": "x", "image": [image.url]}
        return f'<script type="application/ld+json">{json.dumps(data)}</script>'
    return ""


def _link(link: LinkUse, page: PageModel) -> str:
    rel = "nofollow" if link.nofollow else "next" if link.next else ""
    where = escape(_relative(link.url, page) + link.suffix)
    return f'<a href="{where}"{f" rel={rel}" if rel else ""}>on</a>'


def page_html(page: PageModel) -> str:
    """Return the HTML of a page."""
    head = [f"<title>{escape(page.url)}</title>"]
    if page.meta:
        head.append(f'<meta name="robots" content="{page.meta}">')
    if page.canonical:
        head.append(f'<link rel="canonical" href="{escape(_path(page.canonical))}">')
    if page.base:
        head.append('<base href="/">')
    head += [text for image in page.images if (text := _head_image(image))]
    body = [_link(link, page) for link in page.links]
    body += [_body_image(image, page) for image in page.images if not _head_image(image)]
    return (
        "<!DOCTYPE html><html><head>" + "\n".join(head) + "</head><body>" + "\n".join(body) + "</body></html>"
    )
