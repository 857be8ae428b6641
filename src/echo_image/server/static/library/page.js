// @ts-check
/** The library page: what is in a library, found again by filters; images added, looked at, removed. */

import * as api from "../shared/api.js";
import { button, element, icon, part } from "../shared/dom.js";
import { onLanguage, t } from "../shared/i18n.js";
import { JobsPanel } from "./jobs.js";
import { AddPanel } from "./add.js";
import { Detail } from "./detail.js";
import { Filters } from "./filters.js";
import { Grid } from "./grid.js";
import { Listing } from "./listing.js";
import { Remover } from "./removing.js";
import * as shell from "../shared/shell.js";

/** @typedef {import("../shared/api.js").LibraryImage} LibraryImage */

const SAVED = "echo-image.library-view";
const LIMITS = Object.freeze({ max_upload_bytes: 32 * 2 ** 20, max_request_bytes: 2 ** 28, max_files: 100, max_urls: 100 });

/** What the page shows now. */
class LibraryPage {
  constructor() {
    this.images = part("images", HTMLElement);
    this.state = part("library-state", HTMLElement);
    this.notice = part("library-notice", HTMLElement);
    this.status = part("status", HTMLElement);
    this.addSection = part("add", HTMLElement);
    this.addOpen = part("add-open", HTMLButtonElement);
    this.bars = part("bars", HTMLElement);
    /** @type {boolean} */
    this.mayWrite = true;
    /** @type {Detail | null} */
    this.detail = null;
    /** @type {Listing | null} */
    this.listing = null;
    /** @type {Grid | null} */
    this.grid = null;
    this.filters = new Filters(part("filters", HTMLFormElement), part("filters-clear-place", HTMLElement), () => this.#filtered());
    this.remover = new Remover(this.bars, {
      library: shell.library,
      focus: () => this.grid?.list.focus({ preventScroll: true }),
      hide: (ids) => this.#hide(ids, true),
      show: (ids) => this.#hide(ids, false),
      removed: () => void this.#recount(),
    });
    this.jobs = new JobsPanel(part("jobs", HTMLElement), (job) => this.#jobEnded(job));
    this.add = new AddPanel(this.addSection, {
      library: shell.library,
      limits: () => shell.about()?.limits ?? LIMITS,
      job: (job) => this.jobs.watch.add(job),
    });
    this.#listen();
  }

  #listen() {
    this.addOpen.addEventListener("click", () => this.#unfold(this.addSection.hidden === true));
    shell.onLibrary(() => this.#filtered());
    onLanguage(() => this.#rewrite());
    document.addEventListener("dragover", (event) => {
      if (!this.mayWrite) return;
      event.preventDefault();
      document.body.classList.add("dragging");
    });
    document.addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) document.body.classList.remove("dragging");
    });
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      document.body.classList.remove("dragging");
      if (!this.mayWrite || !event.dataTransfer) return;
      this.#unfold(true, false);
      void this.add.drop(event.dataTransfer);
    });
    history.scrollRestoration = "manual";
    window.addEventListener("pagehide", () => {
      this.#save();
      this.jobs.watch.close();
    });
    window.addEventListener("pageshow", (event) => {
      if (event.persisted) void this.jobs.watch.refresh().catch(() => null);
    });
  }

  async open() {
    this.#wait();
    try {
      const [, session] = await Promise.all([shell.meet(), api.session().catch(() => null)]);
      this.mayWrite = !session?.required || session.scopes.includes("write");
    } catch (error) {
      this.#fail(error, () => void this.open());
      return;
    }
    part("read-only", HTMLElement).hidden = this.mayWrite;
    this.addOpen.hidden = !this.mayWrite;
    part("filters", HTMLElement).hidden = false;
    this.add.write(); // the limits are known now
    this.#count();
    const jobs = this.jobs.watch.refresh().catch(() => null); // a service without jobs still has a library
    const saved = this.#savedView();
    if (saved) await jobs; // what it adds above the images would move them
    this.#list(saved);
    await jobs;
  }

  /**
   * Show the listing from its start, or from where one was.
   * @param {{view: import("./listing.js").Saved, scroll: number, active: number} | null} [saved]
   */
  #list(saved = null) {
    this.listing?.close();
    this.grid?.close();
    const library = shell.library();
    const wanted = { ...this.filters.wanted(), ...(library ? { library } : {}) };
    const listing = new Listing(wanted, () => this.#changed(listing));
    this.listing = listing;
    this.grid = new Grid(this.images, listing, library, {
      open: (image) => this.#open(image),
      selected: () => this.#selected(),
      remove: () => this.#removeSelected(),
    });
    this.notice.replaceChildren();
    this.#selected();
    if (saved) {
      listing.restore(saved.view);
      this.grid.active = saved.active;
      this.grid.anchor = saved.active;
      this.grid.scroll = saved.scroll;
    } else this.#wait();
    this.grid.redraw();
  }

  #filtered() {
    const asked = new URLSearchParams({
      ...(shell.severalLibraries() ? { library: shell.library() } : {}),
      ...this.filters.address(),
    }).toString();
    history.replaceState(null, "", asked ? `?${asked}` : location.pathname);
    window.scrollTo(0, Math.min(window.scrollY, this.images.offsetTop));
    this.#count();
    this.#list();
  }

  /** @param {Listing} listing */
  #changed(listing) {
    if (listing !== this.listing) return;
    this.grid?.redraw();
    if (listing.error) this.#fail(listing.error, () => listing.retry());
    else if (listing.count) this.state.replaceChildren();
    else if (listing.complete) this.#empty();
    else this.#wait();
    if (listing.complete && !listing.busy) this.#told(listing);
    this.#count();
  }

  /** @param {Listing} listing */
  #told(listing) {
    this.status.textContent = t("library.shown", { count: listing.count });
  }

  #count() {
    const info = shell.libraryInfo();
    const shown = part("library-count", HTMLElement);
    if (this.filters.narrowed) {
      const { count = 0, complete = false } = this.listing ?? {};
      shown.textContent = complete ? t("library.found", { count }) : "";
    } else shown.textContent = info?.images === undefined ? "" : t("library.images", { count: info.images });
  }

  async #recount() {
    await shell.meet().catch(() => null);
    this.#count();
  }

  #wait() {
    const ghosts = Array.from({ length: 8 }, () => element("span", { class: "image-ghost ghost" }));
    this.state.replaceChildren(
      element("p", { class: "visually-hidden", text: t("shell.loading") }),
      element("div", { class: "image-ghosts", "aria-hidden": "true" }, ...ghosts),
    );
  }

  #empty() {
    const narrowed = this.filters.narrowed;
    const act = narrowed
      ? button(t("library.filters_clear"), { on: { click: () => this.filters.reset() } })
      : this.mayWrite && button(t("library.add"), { class: "", on: { click: () => this.#unfold(true) } });
    this.state.replaceChildren(
      element(
        "div",
        { class: "library-empty" },
        icon(narrowed ? "filter" : "picture"),
        element("h2", { text: t(narrowed ? "library.nothing_title" : "library.empty_title") }),
        element("p", { class: "hint", text: t(narrowed ? "library.nothing" : this.mayWrite ? "library.empty" : "library.empty_read_only") }),
        act || null,
      ),
    );
  }

  /**
   * @param {unknown} error
   * @param {() => void} again
   */
  #fail(error, again) {
    const retry = button(t("shell.retry"), { on: { click: again } });
    this.state.replaceChildren(shell.failure(error, retry));
    this.status.textContent = shell.errorText(error).title;
  }

  /**
   * @param {boolean} open
   * @param {boolean} [focus]
   */
  #unfold(open, focus = true) {
    this.addSection.hidden = !open;
    this.addOpen.setAttribute("aria-expanded", String(open));
    if (!open) return;
    this.addSection.scrollIntoView({ block: "nearest" });
    if (focus) document.getElementById("add-files")?.focus({ preventScroll: true });
  }

  /** @param {LibraryImage} image */
  #open(image) {
    this.detail = new Detail(image, {
      library: shell.library(),
      several: shell.severalLibraries(),
      originals: shell.about()?.originals ?? false,
      mayWrite: this.mayWrite,
      neighbour: (from, by) => this.#neighbour(from, by),
      shown: (one) => this.grid?.go(this.listing?.indexOf(one.id) ?? 0),
      remove: (one) => {
        this.detail?.close();
        this.remover.ask([one]);
      },
      closed: () => {
        this.detail = null;
        this.grid?.list.focus({ preventScroll: true });
      },
    });
  }

  /**
   * @param {LibraryImage} from
   * @param {number} by
   */
  #neighbour(from, by) {
    const index = this.listing?.indexOf(from.id) ?? -1;
    return index < 0 ? null : (this.listing?.at(index + by) ?? null);
  }

  #selected() {
    const selection = this.grid?.selection ?? new Map();
    this.bars.querySelector(".selection-bar")?.remove();
    if (!selection.size) return;
    const bar = element(
      "div",
      { class: "bar selection-bar" },
      element("p", { role: "status", text: Remover.counted(selection.size) }),
      this.mayWrite && button(t("library.remove_selected"), { icon: "trash", id: "remove-selected", on: { click: () => this.#removeSelected() } }),
      button(t("library.selection_clear"), { class: "quiet", icon: "close", only: true, id: "selection-clear", on: { click: () => this.#clearSelection() } }),
    );
    this.bars.prepend(bar);
  }

  #clearSelection() {
    this.grid?.clear();
    this.grid?.list.focus({ preventScroll: true });
  }

  #removeSelected() {
    if (this.mayWrite && this.grid) this.remover.ask([...this.grid.selection.values()]);
  }

  /**
   * @param {string[]} ids
   * @param {boolean} hidden
   */
  #hide(ids, hidden) {
    const { listing, grid } = this;
    if (!listing || !grid) return;
    listing.hide(ids, hidden);
    grid.clear();
    this.#changed(listing);
  }

  /** @param {import("../shared/api.js").Job} job */
  #jobEnded(job) {
    void this.#recount();
    if (!job.added || job.library !== shell.library() && shell.severalLibraries()) return;
    if (window.scrollY <= this.images.offsetTop && !this.grid?.selection.size && !this.detail) {
      this.#list();
      return;
    }
    const show = button(t("library.show_new"), { on: { click: () => this.#filtered() } });
    this.notice.replaceChildren(
      element("div", { class: "notice" }, icon("check"), element("p", { text: t("library.new", { count: job.added }) }), show),
    );
  }

  #rewrite() {
    this.filters.write();
    this.add.write();
    this.jobs.write();
    this.grid?.refresh();
    this.#selected();
    if (this.listing) this.#changed(this.listing);
    this.#title();
  }

  #title() {
    document.title = `${t("library.title")} – Echo-Image`;
  }

  #save() {
    if (!this.listing || !this.grid) return;
    const view = { view: this.listing.saved(), scroll: window.scrollY, active: this.grid.active, search: location.search };
    try {
      sessionStorage.setItem(SAVED, JSON.stringify({ ...view, library: shell.library() }));
    } catch {
      // Not allowed, or full: Back leads to the top of the page.
    }
  }

  /** @returns {any} Where one was, if one comes back and not anew. */
  #savedView() {
    const [entry] = performance.getEntriesByType("navigation");
    const kind = entry instanceof PerformanceNavigationTiming ? entry.type : "navigate";
    if (kind !== "back_forward" && kind !== "reload") return null;
    try {
      const saved = JSON.parse(sessionStorage.getItem(SAVED) ?? "null");
      return saved?.search === location.search && saved.library === shell.library() && saved.view.pages.length ? saved : null;
    } catch {
      return null;
    }
  }

  async start() {
    this.#title();
    await this.open();
  }
}

await shell.start("library", "library");
await new LibraryPage().start();

