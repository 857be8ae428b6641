"""The pages in six languages: the same texts in each, and no word of another language left in one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.service import answers
from tests.service.browsing import Tabs, cards, choose
from tests.service.serving import Service

LANGUAGES = ("en", "de", "ru", "ja", "ko", "zh")
STATIC = Path(__file__).parents[2] / "src" / "echo_image" / "server" / "static"
PARTS = sorted(file.stem for file in (STATIC / "languages" / "en").glob("*.js"))
# Plural forms that a language has, of those that the texts may use.
FORMS = {
    "en": {"one", "other"},
    "de": {"one", "other"},
    "ru": {"one", "few", "many", "other"},
    "ja": {"other"},
    "ko": {"other"},
    "zh": {"other"},
}
# Names, units and keys that are written so in every language.
EVERYWHERE = {
    "Echo-Image", "API", "HTTP", "URL", "https", "px", "JPEG", "PNG", "CSV", "JSON", "kB", "MB", "KB",
    "Shift", "Ctrl", "Delete",
}  # fmt: skip
# What a visitor sees or hears, but for names of files and places, and of the languages themselves.
SEEN = """() => {
    const told = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const parent = walker.currentNode.parentElement;
        if (!parent.closest("script, style, noscript, bdi, #language, #library, #filter-place")) {
            told.push(walker.currentNode.data);
        }
    }
    for (const node of document.querySelectorAll("[aria-label], [alt], [title], [placeholder]")) {
        for (const name of ["aria-label", "alt", "title", "placeholder"]) {
            told.push(node.getAttribute(name) ?? "");
        }
    }
    return told.map((text) => text.trim()).filter(Boolean);
}"""


@pytest.fixture(scope="module")
def texts(browser: Any, service: Service) -> dict[str, dict[str, dict[str, Any]]]:
    """Language → part → key → text, as the browser reads the modules."""
    page = browser.new_page()
    page.goto(f"{service.url}/static/icon.svg")
    read: dict[str, dict[str, dict[str, Any]]] = page.evaluate(
        """async ([base, languages, parts]) => {
            const all = {};
            for (const language of languages) {
                all[language] = {};
                for (const part of parts) {
                    const path = `${base}/static/languages/${language}/${part}.js`;
                    const module = await import(path).catch(() => ({default: null}));
                    all[language][part] = module.default;
                }
            }
            return all;
        }""",
        [service.url, LANGUAGES, PARTS],
    )
    page.close()
    return read


def forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("part", PARTS)
def test_all_languages_have_the_same_texts(
    texts: dict[str, dict[str, dict[str, Any]]], language: str, part: str
) -> None:
    english, translated = texts["en"][part], texts[language][part]
    assert translated is not None, f"languages/{language}/{part}.js is missing"
    assert set(translated) == set(english)
    for key, text in translated.items():
        assert isinstance(text, str) == isinstance(english[key], str), key
        if not isinstance(text, str):
            assert set(text) == FORMS[language], key
        wanted = set(re.findall(r"\{\w+\}", " ".join(forms(english[key]))))
        for form in forms(text):
            assert form.strip(), key
            missing = wanted - set(re.findall(r"\{\w+\}", form))
            assert not missing - {"{count}"}, key
            assert set(re.findall(r"\{\w+\}", form)) <= wanted, key


def test_every_text_is_used_and_every_text_that_is_used_is_there(
    texts: dict[str, dict[str, dict[str, Any]]],
) -> None:
    files = [*STATIC.glob("*.html"), *(one for one in STATIC.rglob("*.js") if "languages" not in one.parts)]
    code = "\n".join(file.read_text(encoding="utf-8") for file in files)
    # A key stands there as a whole, or its beginning does, to be put together: `verdict.${code}`.
    whole = set(re.findall(r"""["'`]([a-z]+\.[\w.]+)["'`]""", code))
    begun = {*(f"{key}." for key in whole), *re.findall(r"`([a-z]+\.[\w.]*)\$\{", code)}
    keys = {key for part in texts["en"].values() for key in part}
    unused = {key for key in keys - whole if not key.startswith(tuple(begun))}
    assert unused == set()
    asked = set(re.findall(r"""\bt\(["']([\w.]+)["']""", code))
    assert len(asked) > 100
    assert asked <= keys


def _all_texts(parts: dict[str, dict[str, Any]]) -> set[str]:
    return {form for part in ("shell", "search") for text in parts[part].values() for form in forms(text)}


def foreign(language: str, text: str, english: set[str]) -> list[str]:
    """Return words of a text that should not stand in a page of that language."""
    words = re.findall(r"[A-Za-z][A-Za-z-]+", re.sub(r"https?://\S*|my photo\.jpg", "", text))
    if language == "de":  # written in the same letters: whole texts are compared instead
        return [text] if text in english and words and not set(words) <= EVERYWHERE else []
    return [word for word in words if word not in EVERYWHERE]


def check(page: Page, language: str, english: set[str]) -> None:
    for text in page.evaluate(SEEN):
        assert foreign(language, text, english) == [], text


@pytest.mark.parametrize("language", [code for code in LANGUAGES if code != "en"])
def test_no_english_is_left(
    tabs: Tabs,
    service: Service,
    files: dict[str, bytes],
    texts: dict[str, dict[str, dict[str, Any]]],
    language: str,
) -> None:
    tabs.expected = "403|503"
    english = _all_texts(texts["en"])
    if language == "de":  # "Filter" and the like are the same word in both
        english -= _all_texts(texts["de"])
    page = tabs.open(service, locale={"zh": "zh-CN"}.get(language, language))
    expect(page.locator("html")).to_have_attribute("lang", re.compile(f"^{language}"))
    expect(page.locator("#holding")).not_to_be_empty()
    check(page, language, english)
    changes = [
        {"code": code, "values": [30, 40]}
        for code in re.findall(r"change\.(\w+)", " ".join(texts["en"]["search"]))
    ]
    found = answers.many()
    found[1]["transform"]["changes"] = changes
    found[0]["locations"] += ["https://other.example/a.jpg"]
    answers.give(page, answers.answer(found))
    choose(page, files["coffee"])
    expect(cards(page)).to_have_count(5)
    page.click("#filter-toggle")
    page.click("#more")
    page.locator("#choose-part").press("Enter")
    expect(page.locator("#clear-part")).to_be_visible()
    check(page, language, english)
    page.unroute("**/api/v1/search")
    answers.give(page, answers.error("overloaded"), status=503, **{"Retry-After": "60"})
    page.click("#clear-part")
    expect(page.locator("#countdown")).to_be_visible()
    check(page, language, english)
    page.fill("#url", "x")
    page.press("#url", "Enter")
    expect(page.locator("#box-problem")).not_to_be_empty()
    check(page, language, english)


def test_the_language_is_changed_by_hand_and_kept(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "preview|404"  # the query was never kept
    page = tabs.open(service)
    answers.give(page, answers.answer(answers.many()))
    choose(page, files["coffee"])
    expect(cards(page)).to_have_count(5)
    page.locator("#language").focus()
    page.select_option("#language", "ru")
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    expect(cards(page).first.locator(".verdict")).to_have_text("То же изображение")
    expect(page.locator("#found-title")).to_contain_text("12 совпадений")
    expect(page.locator("#language")).to_be_focused()
    page.reload()
    expect(page.locator("#main")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "ru")


def test_a_browser_of_a_language_that_there_is_not_gets_english(tabs: Tabs, service: Service) -> None:
    page = tabs.open(service, locale="fi-FI")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Find an image in your library")
