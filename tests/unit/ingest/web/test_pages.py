"""What a page holds, form by form; each image once, in its largest form."""

from __future__ import annotations

import pickle

import pytest

from echo_image.ingest.web import Link, Page, PageImage, PageLimits, read_page

URL = "http://a.example/dir/page.html"
HERE = "http://a.example/dir/"


def page(html: str, **limits: int) -> Page:
    return read_page(html.encode(), URL, "text/html; charset=utf-8", PageLimits(**limits))


def found(html: str) -> list[str]:
    return [image.url.removeprefix(HERE) for image in page(html).images]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<img src=1.jpg>", ["1.jpg"]),
        ("<IMG SRC='1.jpg'/>", ["1.jpg"]),
        ('<img\n src = "1.jpg"alt=x>', ["1.jpg"]),
        ("<img alt='a > b' src=1.jpg>", ["1.jpg"]),
        ("<img title=it's src=1.jpg><img src=2.jpg>", ["1.jpg", "2.jpg"]),
        ("<img src=1.jpg><img src=1.jpg#x>", ["1.jpg"]),
        (
            "<img src='1.jpg?a=1&amp;copy=2'><img src='2.jpg?a=1&copy=2'>",
            ["1.jpg?a=1&copy=2", "2.jpg?a=1&copy=2"],
        ),
        ("<img src=s.jpg srcset='s.jpg 320w, m.jpg 640w, l.jpg 1280w'>", ["l.jpg"]),
        ("<img src=s.jpg srcset='l.jpg 2x, s.jpg'>", ["l.jpg"]),
        ("<img srcset='a,b.jpg 1x,c,d.jpg 3x'>", ["c,d.jpg"]),
        ("<img src=blank.gif data-src=1.jpg>", ["1.jpg"]),
        ("<img src='data:image/gif;base64,R0lGOD' data-original=1.jpg>", ["1.jpg"]),
        ("<img src=blank.gif data-srcset='s.jpg 1x, l.jpg 2x'>", ["l.jpg"]),
        ("<img src=blank.gif srcset='blank.gif 9w' data-srcset='s.jpg 5w, l.jpg 6w'>", ["l.jpg"]),
        ("<img class=lazy data-lazy=/dir/1>", ["1"]),
        ("<img src=1.jpg data-zoom-image=big.jpg srcset='m.jpg 800w'>", ["big.jpg"]),
        ("<img data-hover=2.png src=1.jpg>", ["1.jpg", "2.png"]),
        ("<img src=1.jpg data-thumb=t.jpg data-id=5 data-page=/x>", ["1.jpg"]),
        (
            "<picture><source srcset='1.avif 4w, 2.avif 8w'><img src=1.jpg srcset='1.jpg 4w'></picture>",
            ["2.avif"],
        ),
        (
            "<picture><source type=image/webp srcset=1.webp><img src=1.jpg></picture><img src=2.jpg>",
            ["1.jpg", "2.jpg"],
        ),
        ("<picture><source media='(min-width: 900px)' srcset=w.jpg><img src=n.jpg></picture>", ["w.jpg"]),
        ("<picture><source srcset=1.jpg>", ["1.jpg"]),
        ("<noscript><img src=1.jpg></noscript>", ["1.jpg"]),
        ("<img src=x.gif data-src=1.jpg><noscript><img src=1.jpg></noscript>", ["1.jpg"]),
        ("<meta property='og:image' content=1.jpg>", ["1.jpg"]),
        (
            "<meta property='og:image:secure_url' content=1.jpg><meta name='twitter:image' content=2.jpg>",
            ["1.jpg", "2.jpg"],
        ),
        ("<link rel=image_src href=1.jpg>", ["1.jpg"]),
        ("<link rel=icon href=1.png><link rel=stylesheet href=a.css>", []),
        ("<div style=\"color:red; background-image : url( '1.jpg' )\">", ["1.jpg"]),
        ("<p style='background:url(&quot;1.jpg&quot;),url(2.png)'>", ["1.jpg", "2.png"]),
        (
            '<p style=\'background:image-set("1.jpg" 1x, url(2.jpg) 2x type("image/jpeg"), "0.jpg" 1x)\'>',
            ["2.jpg"],
        ),
        ("<p style='background:url(data:image/png;base64,xx)'>", []),
        ("<div data-bg=1.jpg><div data-bg='url(2.jpg)'><td background=3.gif>", ["1.jpg", "2.jpg", "3.gif"]),
        (
            "<div data-src=1.jpg><script data-src=a.js></script><section data-parallax-image=2.jpg>",
            ["1.jpg", "2.jpg"],
        ),
        ("<video poster=1.jpg src=v.mp4>", ["1.jpg"]),
        ("<a href=1.JPG>x</a><a href=2.html>y</a>", ["1.JPG"]),
        ("<a href=big.jpg><img src=small.jpg></a>", ["big.jpg", "small.jpg"]),
        ("<amp-img src=1.jpg srcset='2.jpg 640w'></amp-img>", ["2.jpg"]),
        ("<svg><image href=1.png /><image xlink:href=2.png /></svg>", ["1.png", "2.png"]),
        ("<input type=image src=1.png><input src=2.png>", ["1.png"]),
        ("<!-- <img src=no.jpg> --><img src=1.jpg>", ["1.jpg"]),
        ("<!--><img src=1.jpg>-->", ["1.jpg"]),
        ("<script>x='<img src=no.jpg>'</script><style><img src=no.jpg></style><img src=1.jpg>", ["1.jpg"]),
        ("<textarea><img src=no.jpg></textarea><title><img src=no.jpg></title><img src=1.jpg>", ["1.jpg"]),
        ("<p><b><img src=1.jpg</p><img src=2.jpg>", ["1.jpg%3C/p", "2.jpg"]),
        (
            "<img src><img src=''><img src='#'><img src='javascript:x'><img src='blob:x'>",
            [],
        ),
        ('<img src="1.jpg', ["1.jpg"]),
        ("<<img src=1.jpg>", ["1.jpg"]),
        ("", []),
        ("\0\0<img src=1.jpg>", ["1.jpg"]),
    ],
)
def test_images_are_found_wherever_they_stand(html: str, expected: list[str]) -> None:
    assert found(html) == expected


@pytest.mark.parametrize(
    ("json", "expected"),
    [
        ('{"image": "1.jpg"}', ["1.jpg"]),
        ('{"image": ["1.jpg", {"url": "2.jpg"}]}', ["1.jpg", "2.jpg"]),
        ('[{"@graph": [{"@type": "ImageObject", "contentUrl": "1.jpg", "url": "p.html"}]}]', ["1.jpg"]),
        ('{"image": {"url": "1.jpg", "thumbnail": {"@type": "ImageObject", "url": "t.jpg"}}}', ["1.jpg"]),
        ('{"@type": "VideoObject", "contentUrl": "v.mp4", "thumbnailUrl": ["1.jpg", "2.jpg"]}', ["1.jpg"]),
        ('{"@type": "Product", "offers": {"image": "1.jpg"}, "url": "p.html"}', ["1.jpg"]),
        ('<!-- {"image": "1.jpg"} -->', ["1.jpg"]),
        ('{"name": "a\nb", "image": "1.jpg"};', ["1.jpg"]),
        ('{"image": "1.jpg"', []),
        ('{"image": 5, "thumbnailUrl": null}', []),
        ("[" * 100_000, []),
        ("9" * 10_000, []),
    ],
)
def test_json_ld_names_images(json: str, expected: list[str]) -> None:
    assert found(f'<script type="application/ld+json">{json}</script>') == expected


def test_alternative_texts_and_sizes_are_kept() -> None:
    images = page(
        "<meta property=og:image content=o.jpg><meta property=og:image:width content=1200>"
        "<meta property=og:image:height content=630><meta property=og:image:alt content='An &quot;O&quot;'>"
        "<img src=1.jpg alt=' a \n cat ' width=30 height=20px><img src=2.jpg width='50%'>"
        "<img srcset='3.jpg 900w' width=300 height=200><a href=4.jpg><img src=5.jpg alt=five></a>"
        "<img src=6.jpg><img src=6.jpg alt=six width=7 height=8>"
    ).images
    assert images == (
        PageImage(HERE + "o.jpg", 'An "O"', "og:image", 1200, 630),
        PageImage(HERE + "1.jpg", "a cat", "img", 30, 20),
        PageImage(HERE + "2.jpg", "", "img"),
        PageImage(HERE + "3.jpg", "", "srcset", 900, 600),
        PageImage(HERE + "4.jpg", "five", "link"),
        PageImage(HERE + "5.jpg", "five", "img"),
        PageImage(HERE + "6.jpg", "six", "img", 7, 8),
    )


def test_one_image_under_http_and_https_is_one() -> None:
    html = "<meta property=og:image content=http://a.example/1.jpg><img src=https://a.example/1.jpg>"
    assert [image.url for image in page(html).images] == ["https://a.example/1.jpg"]


def test_links_lead_on() -> None:
    got = page(
        "<a href=2.html>x</a><a href='3.html' rel='nofollow noopener'>y</a><a rel=next href=?page=2>z</a>"
        "<link rel=prev href=0.html><area href=4.html><iframe src=5.html></iframe>"
        "<meta http-equiv=Refresh content='3; URL=6.html'><a href=2.html#part rel=nofollow>again</a>"
        "<a href=mailto:a@b.example>m</a><a href='#top'>t</a><a name=x>n</a><a href=3.html rel=next></a>"
    ).links
    assert got == (
        Link(HERE + "2.html"),
        Link(HERE + "3.html", nofollow=False, next=True),
        Link(HERE + "page.html?page=2", next=True),
        Link(HERE + "0.html", next=True),
        Link(HERE + "4.html"),
        Link(HERE + "5.html"),
        Link(HERE + "6.html"),
    )


def test_a_base_counts_for_what_stands_before_it() -> None:
    got = page("<img src=1.jpg><base href='/other/'><base href='/third/'><a href=2.html>x</a>")
    assert got.base_url == "http://a.example/other/"
    assert [image.url for image in got.images] == ["http://a.example/other/1.jpg"]
    assert [link.url for link in got.links] == ["http://a.example/other/2.html"]


@pytest.mark.parametrize("base", ["javascript:x", "data:text/html,x", "http://[", ""])
def test_a_base_that_is_none_is_passed_over(base: str) -> None:
    assert found(f"<base href='{base}'><img src=1.jpg>") == ["1.jpg"]


def test_what_the_page_says_of_itself() -> None:
    got = page(
        "<title>Cats &amp;\n dogs</title><svg><title>icon</title></svg><link rel=canonical href=/c#x>"
        "<meta name=robots content='NoIndex, noimageindex'><meta name=otherbot content=nofollow>"
    )
    assert (got.title, got.canonical) == ("Cats & dogs", "http://a.example/c")
    assert (got.noindex, got.nofollow, got.noimageindex) == (True, False, True)
    plain = page("<p>")
    assert (plain.title, plain.canonical, plain.noindex, plain.nofollow, plain.cut) == (
        "",
        None,
        False,
        False,
        (),
    )


@pytest.mark.parametrize(
    ("data", "content_type"),
    [
        ("<img src=/ü.jpg alt=ü>".encode("latin-1"), "text/html; charset=ISO-8859-1"),
        ("<img src=/ü.jpg alt=ü>".encode("latin-1"), ""),
        ("<meta charset=windows-1252><img src=/ü.jpg alt=ü>".encode("cp1252"), "text/html"),
        (
            "<meta http-equiv=Content-Type content='text/html; charset=latin1'><img src=/ü.jpg alt=ü>".encode(
                "cp1252"
            ),
            "",
        ),
        ("<img src=/ü.jpg alt=ü>".encode(), ""),
        ("<meta charset=utf-16><img src=/ü.jpg alt=ü>".encode(), ""),
        ("\ufeff<img src=/ü.jpg alt=ü>".encode("utf-16-le"), "text/html; charset=latin1"),
        ("\ufeff<img src=/ü.jpg alt=ü>".encode(), "text/html; charset=latin1"),
        ("<img src=/ü.jpg alt=ü>".encode(), "text/html; charset=zip"),
        ("<img src=/ü.jpg alt=ü>".encode(), "text/html; charset=no-such"),
    ],
)
def test_the_charset_is_that_of_mark_header_or_meta(data: bytes, content_type: str) -> None:
    (image,) = read_page(data, URL, content_type).images
    assert (image.url, image.alt) == ("http://a.example/%C3%BC.jpg", "ü")


def test_a_japanese_page_is_read() -> None:
    data = "<img src=1.jpg alt='猫の写真'>".encode("shift_jis")
    assert read_page(data, URL, "text/html; charset=Shift_JIS").images[0].alt == "猫の写真"


def test_limits_leave_out_and_say_so() -> None:
    many = "".join(f"<img src={i}.jpg><a href={i}.html>" for i in range(50))
    assert (len(page(many, max_images=10).images), page(many, max_images=10).cut) == (10, ("max_images",))
    assert (len(page(many, max_links=10).links), page(many, max_links=10).cut) == (10, ("max_links",))
    assert (len(page(many, max_elements=20).images), page(many, max_elements=20).cut) == (
        10,
        ("max_elements",),
    )
    assert (len(page(many, max_bytes=100).images) < 10, page(many, max_bytes=100).cut) == (
        True,
        ("max_bytes",),
    )
    ld = "<script type=application/ld+json>" + '{"image": "1.jpg"}' + "</script>"
    assert (page(ld, max_json_ld_bytes=5).images, page(ld, max_json_ld_bytes=5).cut) == (
        (),
        ("max_json_ld_bytes",),
    )
    assert page(many, max_images=50, max_links=50, max_elements=100).cut == ()
    assert page(f"<img src=1.jpg alt={'x' * 99}>", max_text=10).images[0].alt == "x" * 10


def test_a_page_can_cross_processes() -> None:
    got = page("<title>t</title><img src=1.jpg><a href=2.html>")
    assert pickle.loads(pickle.dumps(got)) == got
    assert pickle.loads(pickle.dumps(PageLimits())) == PageLimits()


N = 500_000
ATTACKS = {
    "nested": "<div>" * (N // 5),
    "nested bold": "".join(f"<b id={i}><p>" for i in range(N // 12)),
    "tags that never end": "<a " * (N // 3),
    "quotes that never end": "<a b='" * (N // 6),
    "angle brackets": "<" * N,
    "comments that never end": "<!--" * (N // 4),
    "blanks in a tag": "<img " + " " * N + ">",
    "attributes": "<img " + "".join(f"a{i} " for i in range(N // 6)) + ">",
    "equal signs": "<img a" + "= " * (N // 2) + ">",
    "one attribute": f"<img src='{'a' * N}'>",
    "scripts that never end": "<script>" * (N // 8),
    "titles that never end": "<title>" + "</title" * (N // 7),
    "srcset of commas": f"<img srcset='{',' * N}'>",
    "srcset of many": f"<img srcset='{'a 1w,' * (N // 5)}'>",
    "srcset of brackets": f"<img srcset='a {'(' * N}'>",
    "url( in a style": f"<p style='{'url(' * (N // 4)}'>",
    "image-set( in a style": f"<p style='{'image-set(url(a) type(' * (N // 22)}'>",
    "ampersands": f"<img src='{'&' * N}'>",
    "a long reference": f"<img src='&#{'9' * N}'>",
    "dots": f"<img src='{'../' * (N // 3)}'>",
    "percent signs": f"<img src='{'%' * 8_000}'>",
    "refresh": f"<meta http-equiv=refresh content='{' ' * N}'>",
    "charset": "<meta charset" + " " * N,
    "deep JSON-LD": "<script type=application/ld+json>" + '{"image":' * (N // 9),
    "wide JSON-LD": "<script type=application/ld+json>[" + '"a.jpg",' * (N // 8) + "1]",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ATTACKS)
def test_hostile_pages_take_time_that_grows_with_their_length(name: str) -> None:
    # A cost that grew with the square of the length would take hours, not the fraction of a second that it
    # takes.
    got = read_page(ATTACKS[name].encode() + b"'\"></script></title>--><img src=/last.jpg>", URL)
    assert len(got.images) <= 5_000
