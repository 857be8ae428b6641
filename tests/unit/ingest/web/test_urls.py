"""One form for every URL: what is the same becomes the same, what differs stays different."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from echo_image.ingest.web import canonical_url, host_of, is_trap, looks_like_image, same_site

BASE = "http://shop.example/a/b/page.html?x=1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HTTP://Shop.Example:80/A", "http://shop.example/A"),
        ("https://shop.example:443", "https://shop.example/"),
        ("http://shop.example:8080/", "http://shop.example:8080/"),
        ("img.jpg", "http://shop.example/a/b/img.jpg"),
        ("/img.jpg", "http://shop.example/img.jpg"),
        ("../img.jpg", "http://shop.example/a/img.jpg"),
        ("../../../../img.jpg", "http://shop.example/img.jpg"),
        ("/a/./b/../c", "http://shop.example/a/c"),
        ("/a/b/..", "http://shop.example/a/"),
        ("/a/%2e%2e/c", "http://shop.example/c"),
        ("?page=2", "http://shop.example/a/b/page.html?page=2"),
        ("//cdn.example/i.png", "http://cdn.example/i.png"),
        (" \n i m g.jpg\t ", "http://shop.example/a/b/i%20m%20g.jpg"),
        ("/i\n\r\tmg.jpg", "http://shop.example/img.jpg"),
        ("\\i\\mg.jpg", "http://shop.example/i/mg.jpg"),
        ("/i.jpg#top", "http://shop.example/i.jpg"),
        ("/%7euser/%c3%a4", "http://shop.example/~user/%C3%A4"),
        ("/ä?q=ö", "http://shop.example/%C3%A4?q=%C3%B6"),
        ("/100%", "http://shop.example/100%25"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://[2001:DB8::1]:81/x", "http://[2001:db8::1]:81/x"),
        ("http://user:secret@shop.example/x", "http://shop.example/x"),
        ("/p?b=2&utm_source=mail&a=1&fbclid=x", "http://shop.example/p?b=2&a=1"),
        ("/p?utm%5Fsource=mail", "http://shop.example/p"),
        ("/p;jsessionid=AB12?x=1", "http://shop.example/p?x=1"),
        ("/p?PHPSESSID=1", "http://shop.example/p"),
        ("/p?", "http://shop.example/p"),
    ],
)
def test_a_url_has_one_form(text: str, expected: str) -> None:
    assert canonical_url(text, BASE) == expected


@pytest.mark.parametrize(
    "text",
    [
        "javascript:alert(1)",
        "mailto:a@b.example",
        "data:image/gif;base64,R0",
        "blob:http://shop.example/1",
        "ftp://shop.example/1.jpg",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "http://[::1/x",
        "http://shop.example:99999/",
        "http://a b/",
        "http://<script>/",
        "/" + "x" * 8_001,
    ],
)
def test_what_leads_to_no_page_has_none(text: str) -> None:
    assert canonical_url(text, BASE) == ""


def test_without_a_base_only_whole_urls_count() -> None:
    assert canonical_url("/a.jpg") == ""
    assert canonical_url("a.jpg") == ""
    assert canonical_url("http://a.example/a.jpg") == "http://a.example/a.jpg"


PIECES = st.sampled_from(
    [
        *(
            "/",
            "//",
            ".",
            "..",
            "%2e",
            "%2F",
            "%41",
            "%",
            "%zz",
            "%c3%a4",
            "ä",
            "𝄞",
            "\ud800",
            "?",
            "&",
            "=",
            "#",
        ),
        *(
            "utm_source=1",
            "utm%5Fx",
            ";jsessionid=1",
            ":",
            "@",
            "[",
            "]",
            "\\",
            "+",
            "|",
            "a",
            "B",
            "~",
            "\t",
            " ",
        ),
    ]
)


@given(st.lists(PIECES, max_size=12).map("".join), st.booleans())
def test_the_form_of_the_form_is_itself(tail: str, is_relative: bool) -> None:
    once = canonical_url(tail, BASE) if is_relative else canonical_url("http://A.example/" + tail)
    assert canonical_url(once) == once
    assert canonical_url(once, BASE) == once
    assert once == "" or once.isascii()


@given(st.text(max_size=60))
def test_any_text_is_taken(text: str) -> None:
    once = canonical_url(text, BASE)
    assert canonical_url(once) == once


def test_a_site_is_its_host_with_or_without_www() -> None:
    assert host_of("https://a.example:8443/x/y?z") == "a.example:8443"
    assert same_site("http://www.a.example/x", "https://a.example/")
    assert not same_site("http://b.a.example/", "http://a.example/")
    assert same_site("http://b.a.example/", "http://a.example/", subdomains=True)
    assert not same_site("http://evila.example/", "http://a.example/", subdomains=True)
    assert not same_site("http://a.example:8080/", "http://a.example/")
    assert not same_site("", "")


@pytest.mark.parametrize(
    "url", ["/a.jpg", "http://a.example/b/C.JPEG?w=2", "x.webp#top", "/a.b.tiff", "a.heic", " /a.png "]
)
def test_names_of_image_files_look_like_images(url: str) -> None:
    assert looks_like_image(url)


@pytest.mark.parametrize(
    "url",
    [
        "/a.html",
        "/jpg",
        "/.jpg",
        "/wiki/File:Cat.jpg",
        "/wiki/Datei%3ACat.jpg",
        "/a.jpg/page",
        "/p?of=a.jpg",
        "",
    ],
)
def test_others_do_not(url: str) -> None:
    assert not looks_like_image(url)


def test_a_parameter_may_name_the_file_where_that_is_meant() -> None:
    assert looks_like_image("/thumb.php?w=5&of=a.jpg", in_query=True)
    assert not looks_like_image("/thumb.php?w=5&of=a", in_query=True)


@pytest.mark.parametrize(
    "path",
    [
        "/a/b/a/b/a/b/",
        "/x/y/y/y/y",
        "/" + "d/" * 60,
        "/p?" + "&".join(f"f{i}=1" for i in range(60)),
        "/p?a=1&a=2&a=3&a=4",
    ],
)
def test_endless_rooms_of_mirrors_are_traps(path: str) -> None:
    assert is_trap("http://a.example" + path)


@pytest.mark.parametrize(
    "path", ["/", "/2011/11/11/11/", "/a/b/a/b/", "/shop/men/shoes/men/", "/p?f[]=1&f[]=2&f[]=3&f[]=4&f[]=5"]
)
def test_ordinary_addresses_are_none(path: str) -> None:
    assert not is_trap("http://a.example" + path)
