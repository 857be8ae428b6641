"""Makes a shop: categories of several pages, products with images in every form, and all that goes wrong."""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import cycle, islice

from tests.sites.model import Answer, Form, ImageModel, ImageUse, LinkUse, PageModel, SiteModel

PRODUCTS_A_PAGE = 20
CALENDAR_MONTHS = 10_000
#: Pictures that are no content; the others are numbered from 0.
ICON, LOGO, BADGE, BANNER = -1, -2, -3, -4


@dataclass(frozen=True, slots=True)
class Hosts:
    """Name and port of each host.

    Attributes:
        main: pages and images.
        cdn: images, some of them not for robots.
        slow: images, each after a pause.
        polite: images, with a crawl delay.
        foreign: somebody else's pages.
        dead: nobody listens.
    """

    main: str
    cdn: str
    slow: str
    polite: str
    foreign: str
    dead: str


@dataclass(frozen=True, slots=True)
class Size:
    """How large the shop is."""

    categories: int = 40
    products: int = 48
    images: int = 6

    @property
    def num_products(self) -> int:
        """Of all categories."""
        return self.categories * self.products


class _Shop:
    def __init__(self, hosts: Hosts, size: Size) -> None:
        self.hosts = hosts
        self.size = size
        self.top = f"http://{hosts.main}"
        self.site = SiteModel(f"{self.top}/", hosts={hosts.main})
        self._number = 0
        self.forms = cycle(form for form in Form if form is not Form.DOWNLOAD)

    def page(self, path: str, **more: object) -> PageModel:
        url = f"{self.top}{path}"
        page = PageModel(url, **more)  # type: ignore[arg-type]
        self.site.pages[url] = page
        if not page.disallowed:
            for path, body in (
                ("logo.png", LOGO),
                ("cart.png", ICON),
                ("badge.png", BADGE),
                ("banner.jpg", BANNER),
            ):
                fate = {LOGO: "repeated", BADGE: "repeated", ICON: "too_small"}.get(body, "")
                url = f"{self.top}/static/{path}"
                self.site.images.setdefault(url, ImageModel(url, body, fate=fate))
                page.images.append(ImageUse(url, Form.IMG, path))
        return page

    def image(
        self, host: str, path: str, form: Form, *, answer: Answer = Answer.GOOD, disallowed: bool = False
    ) -> ImageUse:
        self._number += 1
        url = f"http://{host}{path}"
        self.site.images[url] = ImageModel(url, self._number, answer, disallowed)
        smaller: tuple[str, ...] = ()
        if form in (Form.SRCSET, Form.DENSITY, Form.LAZY_SRCSET, Form.PICTURE):
            folder, _, name = url.rpartition("/")
            smaller = tuple(f"{folder}/s{n}-{name}" for n in (1, 2))
            for one in smaller:
                self.site.images[one] = ImageModel(one, self._number)
                self.site.hidden[one] = "a smaller form of another"
        alt = (
            ""
            if form in (Form.OG, Form.JSON_LD, Form.STYLE, Form.LINK, Form.DOWNLOAD)
            else f"number {self._number}"
        )
        return ImageUse(url, form, alt, smaller)

    def hide(self, page: PageModel, why: str) -> None:
        """Give a page an image of its own that must not be found."""
        url = f"{self.top}/hidden/{len(self.site.hidden)}.jpg"
        self.site.images[url] = ImageModel(url, len(self.site.hidden))
        self.site.hidden[url] = why
        page.images.append(ImageUse(url))


def make_shop(hosts: Hosts, size: Size) -> SiteModel:
    """Return a shop."""
    shop = _Shop(hosts, size)
    home = shop.page("/")
    for category in range(size.categories):
        _category(shop, home, category)
    _share(shop)
    _odd_pages(shop, home)
    _odd_images(shop, home)
    _endless_calendar(shop, home)
    return shop.site


def _category(shop: _Shop, home: PageModel, number: int) -> None:
    previous: PageModel | None = None
    for start in range(0, shop.size.products, PRODUCTS_A_PAGE):
        page_number = start // PRODUCTS_A_PAGE + 1
        path = f"/c/{number}/" + (f"?page={page_number}" if page_number > 1 else "")
        listing = shop.page(path)
        listing.images.append(shop.image(shop.hosts.main, f"/img/c/{number}-{page_number}.jpg", Form.IMG))
        if previous is None:
            home.links.append(LinkUse(listing.url, suffix="?utm_source=menu" if number % 2 else "#top"))
        else:
            previous.links.append(LinkUse(listing.url, next=True))
        previous = listing
        for product in range(start, min(start + PRODUCTS_A_PAGE, shop.size.products)):
            page = _product(shop, number, product)
            listing.links.append(LinkUse(page.url, suffix="?fbclid=7" if product % 3 == 0 else ""))
            page.links += [LinkUse(home.url), LinkUse(listing.url)]


def _product(shop: _Shop, category: int, product: int) -> PageModel:
    page = shop.page(f"/p/{category}/{product}.html", base=product % 7 == 3)
    for n, form in enumerate(islice(shop.forms, shop.size.images)):
        host = shop.hosts.cdn if n % 3 == 1 and form not in (Form.RELATIVE, Form.STYLE) else shop.hosts.main
        page.images.append(shop.image(host, f"/img/{category}/{product}-{n}.jpg", form))
    if product % 5 == 2:  # another form of the same page
        variant = shop.page(f"/p/{category}/{product}.html?colour=red", canonical=page.url)
        variant.images += page.images[4:]
        page.links.append(LinkUse(variant.url))
    return page


def _share(shop: _Shop) -> None:
    """Show images of some products on other products, too, under other names."""
    products = [page for url, page in shop.site.pages.items() if "/p/" in url and "?" not in url]
    for one, other in zip(products[::9], products[4::9], strict=False):
        for image in one.images[4:6]:
            other.images.append(ImageUse(image.url, Form.IMG, f"like {image.alt}".strip()))


def _odd_pages(shop: _Shop, home: PageModel) -> None:
    def linked(path: str, *, nofollow: bool = False, **more: object) -> PageModel:
        page = shop.page(path, **more)
        home.links.append(LinkUse(page.url, nofollow=nofollow))
        return page

    for page, why in (
        (linked("/private/list.html", disallowed=True), "on a page that robots.txt excludes"),
        (linked("/nofollow.html", nofollow=True), "on a page that no link may be followed to"),
        (linked("/noindex.html", meta="noindex"), "on a page that is not to be taken in"),
        (linked("/noimages.html", header="noimageindex"), "on a page whose images are not to be taken"),
        (linked("/gone.html", answer=Answer.GONE), "on a page that is gone"),
    ):
        shop.hide(page, why)
    dead_end = linked("/deadend.html", meta="nofollow")
    shop.hide(shop.page("/behind.html"), "behind a page whose links may not be followed")
    dead_end.links.append(LinkUse(f"{shop.top}/behind.html"))
    for n, answer in enumerate((Answer.HEALS, Answer.BUSY)):
        page = linked(f"/odd/{n}.html", answer=answer)
        page.images.append(shop.image(shop.hosts.main, f"/img/odd/{n}.jpg", Form.IMG))
    for n, answer in enumerate((Answer.NOT_FOUND, Answer.BROKEN, Answer.LOOP, Answer.ENDLESS)):
        linked(f"/bad/{n}.html", answer=answer)
    moved = shop.page("/new/place.html")
    moved.images.append(shop.image(shop.hosts.main, "/img/moved.jpg", Form.RELATIVE))
    linked("/old/place.html", answer=Answer.MOVED, target=moved.url)
    foreign = PageModel(f"http://{shop.hosts.foreign}/")
    shop.site.pages[foreign.url] = foreign
    shop.hide(foreign, "on somebody else's page")
    home.links.append(LinkUse(foreign.url))
    linked("/away.html", answer=Answer.MOVED, target=foreign.url)


def _odd_images(shop: _Shop, home: PageModel) -> None:
    hosts = shop.hosts
    page = shop.page("/odd/images.html")
    home.links.append(LinkUse(page.url))
    for answer in Answer:
        for n in range(2):
            path = f"/odd/{answer.name.lower()}-{n}.jpg"
            page.images.append(shop.image(hosts.main, path, Form.IMG, answer=answer))
    for n in range(3):
        page.images += [
            shop.image(hosts.cdn, f"/private/{n}.jpg", Form.IMG, disallowed=True),
            shop.image(hosts.slow, f"/slow/{n}.jpg", Form.LAZY),
            shop.image(hosts.polite, f"/polite/{n}.jpg", Form.IMG),
        ]
    page.images.append(shop.image(hosts.dead, "/dead.jpg", Form.IMG, answer=Answer.BROKEN))
    for n in range(3):  # a link that does not look like one to an image
        page.images.append(shop.image(hosts.main, f"/download/{n}", Form.DOWNLOAD))
    home.links += [LinkUse(f"{shop.top}/files/terms.pdf"), LinkUse(f"{shop.top}/feed.xml")]


def _endless_calendar(shop: _Shop, home: PageModel) -> None:
    """Months without end; only few are in the model, the server makes the others as they are asked for."""
    home.links.append(LinkUse(f"{shop.top}/calendar/2000/1"))


def calendar_page(shop_top: str, year: int, month: int) -> PageModel:
    """Return a month of the calendar."""
    following = (year, month + 1) if month < 12 else (year + 1, 1)
    page = PageModel(f"{shop_top}/calendar/{year}/{month}")
    page.links.append(LinkUse(f"{shop_top}/calendar/{following[0]}/{following[1]}"))
    return page


def hosts_of(names: dict[str, str]) -> Hosts:
    """Return hosts of their names."""
    return Hosts(**{field.name: names[field.name] for field in fields(Hosts)})
