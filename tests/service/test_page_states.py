"""The search page while it waits, and when the service is busy, gone, locked or refuses."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.service import answers
from tests.service.browsing import DEVICES, Tabs, cards, choose, settled
from tests.service.serving import Service

# Layout shifts since the page was loaded, and a search that is answered when the test says so.
WATCH_SHIFTS = """
    window.shifts = [];
    new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
            const told = entry.sources.map(({node, previousRect, currentRect}) =>
                [node?.className ?? "", previousRect.top, currentRect.top]);
            window.shifts.push([entry.value, entry.startTime, told]);
        }
    }).observe({type: "layout-shift", buffered: true});
"""
HELD_SEARCH = """
    const real = window.fetch;
    const answered = new Promise((resolve) => { window.answer = resolve; });
    window.fetch = async (path, init) => (
        String(path).endsWith("/search") ? Response.json(await answered) : real(path, init)
    );
"""


def shifted(page: Page) -> float:
    """Return the sum of the layout shifts until now."""
    total: float = page.evaluate("window.shifts.reduce((sum, [value]) => sum + value, 0)")
    return total


@DEVICES
def test_nothing_jumps_from_waiting_to_results(
    tabs: Tabs, service: Service, files: dict[str, bytes], device: dict[str, Any]
) -> None:

    def before(page: Page) -> None:
        page.add_init_script(WATCH_SHIFTS)
        page.add_init_script(HELD_SEARCH)
        answers.thumbnails(page)
        page.route("**/api/v1/queries/*", lambda route: route.fulfill(json={"name": "a.png", "url": None}))
        page.route(
            "**/preview", lambda route: route.fulfill(body=files["astronaut"], content_type="image/png")
        )

    page = tabs.open(service, f"?q={answers.KEPT_ID}", device=device, before=before, reduced_motion="reduce")
    expect(page.locator("#found")).to_have_attribute("aria-busy", "true")
    expect(page.locator("#found-title")).to_have_text("Searching…")
    expect(page.locator("#matches .ghosts")).to_be_visible()
    expect(page.locator("#status")).to_have_text("Searching…")
    page.evaluate("body => window.answer(body)", answers.answer(answers.many()))
    expect(cards(page)).to_have_count(5)
    page.wait_for_load_state("networkidle")
    assert shifted(page) < 0.05, page.evaluate("window.shifts")


def test_a_busy_service_is_asked_again_in_plain_sight(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "503"
    page = tabs.open(service)
    answers.give(page, answers.error("overloaded"), status=503, **{"Retry-After": "2"})
    choose(page, files["coffee"])
    expect(page.locator(".failure-message")).to_have_text("The service has its hands full.")
    expect(page.locator("#countdown")).to_have_text("Trying again in 2 seconds")
    page.unroute("**/api/v1/search")
    answers.give(page, answers.answer(answers.many()))
    expect(cards(page)).to_have_count(5)


def test_asking_again_is_called_off_and_done_by_hand(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "503|429"
    page = tabs.open(service)
    answers.give(page, answers.error("too_many_requests"), status=429, **{"Retry-After": "90"})
    choose(page, files["coffee"])
    expect(page.locator("#countdown")).to_contain_text("seconds")
    page.click("#retry-cancel")
    expect(page.locator("#countdown")).not_to_be_visible()
    expect(page.locator("#retry")).to_be_focused()
    page.unroute("**/api/v1/search")
    answers.give(page, answers.answer(answers.many()))
    page.click("#retry")
    expect(cards(page)).to_have_count(5)


def test_a_service_that_is_gone_says_so_and_is_tried_again(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "ERR_CONNECTION_REFUSED|ERR_FAILED"
    page = tabs.open(service)
    page.route("**/api/v1/search", lambda route: route.abort("connectionrefused"))
    choose(page, files["coffee"])
    expect(page.locator(".failure-message")).to_have_text("The service does not answer.")
    expect(page.locator("#found-title")).to_have_text("Not searched")
    page.unroute("**/api/v1/search")
    page.click("#retry")
    expect(cards(page).first).to_contain_text("coffee.png")


def test_a_key_is_asked_for_and_the_search_goes_on(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "401"
    known = {"in": False}

    def search(route: Route) -> None:
        if known["in"]:
            route.fulfill(json=answers.answer(answers.many()))
        else:
            route.fulfill(status=401, json=answers.error("unauthorized"))

    def session(route: Route) -> None:
        known["in"] = route.request.post_data_json == {"key": "right"}
        told = {"required": True, "name": "test", "scopes": ["read"]}
        if known["in"]:
            route.fulfill(json=told)
        else:
            route.fulfill(status=401, json=answers.error("unauthorized"))

    page = tabs.open(service)
    answers.thumbnails(page)
    page.route("**/api/v1/search", search)
    page.route("**/api/v1/session", session)
    choose(page, files["coffee"])
    dialog = page.get_by_role("dialog", name="This service needs a key")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    settled(page)
    expect(page.locator(".failure")).to_contain_text("does not know this key")
    page.click("#retry")
    expect(page.locator("#key")).to_be_focused()
    page.fill("#key", "wrong")
    page.keyboard.press("Enter")
    expect(page.locator("#key-problem")).to_have_text("The service does not know this key.")
    page.fill("#key", "right")
    page.keyboard.press("Enter")
    expect(cards(page)).to_have_count(5)
    expect(dialog).to_have_count(0)


def test_an_answer_that_is_not_the_service_s_is_no_crash(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "502"
    page = tabs.open(service)
    page.route(
        "**/api/v1/search",
        lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>", content_type="text/html"),
    )
    choose(page, files["coffee"])
    expect(page.locator(".failure")).to_contain_text("makes no sense")
    expect(page.locator("#retry")).to_be_visible()


def test_an_error_of_an_unknown_code_is_told_with_its_number(
    tabs: Tabs, service: Service, files: dict[str, bytes]
) -> None:
    tabs.expected = "500"
    page = tabs.open(service)
    answers.give(page, answers.error("something_new"), status=500)
    choose(page, files["coffee"])
    expect(page.locator(".failure")).to_contain_text("That did not work (something_new).")
    expect(page.locator(".request-id")).to_have_text("Request 0123")
    expect(page.locator(".failure")).not_to_contain_text("A message.")
