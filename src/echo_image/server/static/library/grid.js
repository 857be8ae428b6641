// @ts-check
/**
 * A listing as a grid that is a list box: arrow keys go through it, Space selects, Enter opens. Only the rows near the
 * window are in the document, so a library of any size scrolls alike.
 */

import { thumbnailUrl } from "../shared/api.js";
import { element, visible } from "../shared/dom.js";
import { formatBytes, formatDate, t } from "../shared/i18n.js";
import { nameOf } from "./names.js";

/**
 * @typedef {import("../shared/api.js").LibraryImage} LibraryImage
 * @typedef {import("./listing.js").Listing} Listing
 * @typedef {{open: (image: LibraryImage) => void, selected: () => void, remove: () => void}} Listeners
 */

const GAP_PX = 14;
const LEAST_PX = 150;
const WISHED_PX = 196;
/** Height of the words below a thumbnail, in rem; library.css has the same. */
const WORDS_REM = 5.4;
/** A thumbnail is 4 wide and 3 high. */
const ASPECT = 0.75;
/** Rows beyond the window that are ready before they are scrolled to. */
const AHEAD = 3;

export class Grid {
  /**
   * @param {HTMLElement} host
   * @param {Listing} listing
   * @param {string} library
   * @param {Listeners} listeners
   */
  constructor(host, listing, library, listeners) {
    this.host = host;
    this.listing = listing;
    this.library = library;
    this.listeners = listeners;
    /** @type {Map<string, LibraryImage>} */
    this.selection = new Map();
    this.active = 0;
    /** Where a selection with Shift began. */
    this.anchor = 0;
    /** @type {Map<number, HTMLElement>} */
    this.cards = new Map();
    this.list = element("div", {
      class: "image-list",
      role: "listbox",
      tabindex: 0,
      "aria-multiselectable": "true",
      "aria-labelledby": "library-title",
      "aria-describedby": "library-keys",
    });
    this.list.addEventListener("keydown", (event) => this.#key(event));
    this.list.addEventListener("click", (event) => this.#click(event));
    this.list.addEventListener("focus", () => this.#mark());
    host.replaceChildren(this.list);
    this.stop = new AbortController();
    window.addEventListener("scroll", () => this.redraw(), { passive: true, signal: this.stop.signal });
    this.sizes = new ResizeObserver(() => this.refresh());
    this.sizes.observe(host);
    this.frame = 0;
    /** Where the window is to be once there is so much to scroll. @type {number | null} */
    this.scroll = null;
  }

  close() {
    this.stop.abort();
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
  }

  /** Write every card anew, as after a change of language. */
  refresh() {
    for (const card of this.cards.values()) card.remove();
    this.cards.clear();
    this.redraw();
  }

  redraw() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.#draw();
    });
  }

  /** @returns {{columns: number, width: number, row: number}} */
  #measure() {
    const room = this.host.clientWidth;
    // Two beside each other even on the narrowest screen.
    const least = room < 560 ? Math.min(LEAST_PX, (room - GAP_PX) / 2) : WISHED_PX;
    const columns = Math.max(1, Math.floor((room + GAP_PX) / (least + GAP_PX)));
    const width = (room - GAP_PX * (columns - 1)) / columns;
    const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    return { columns, width, row: width * ASPECT + WORDS_REM * rem + GAP_PX };
  }

  #draw() {
    const { columns, width, row } = this.#measure();
    const { count } = this.listing;
    const rows = Math.ceil(count / columns);
    this.list.style.height = `${Math.max(rows * row - GAP_PX, 0)}px`;
    this.list.hidden = count === 0;
    if (this.scroll !== null) window.scrollTo(0, this.scroll);
    this.scroll = null;
    const top = -this.list.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(top / row) - AHEAD) * columns;
    const last = Math.max(0, Math.ceil((top + window.innerHeight) / row) + AHEAD) * columns;
    this.listing.want(first, last);
    this.active = Math.min(this.active, Math.max(count - 1, 0));
    for (const [index, card] of this.cards) {
      if ((index < first || index >= Math.min(last, count)) && index !== this.active) {
        card.remove();
        this.cards.delete(index);
      }
    }
    for (let index = first; index < Math.min(last, count); index += 1) this.#place(index, columns, width, row);
    if (count) this.#place(this.active, columns, width, row);
    this.#mark();
  }

  /**
   * @param {number} index
   * @param {number} columns
   * @param {number} width
   * @param {number} row
   */
  #place(index, columns, width, row) {
    const image = this.listing.at(index);
    let card = this.cards.get(index);
    if (!card || card.dataset["id"] !== (image?.id ?? "")) {
      const made = this.#card(image, index);
      if (card) card.replaceWith(made);
      else this.#insert(made, index);
      card = made;
      this.cards.set(index, card);
    }
    const [x, y] = [(index % columns) * (width + GAP_PX), Math.floor(index / columns) * row];
    card.style.width = `${width}px`;
    card.style.transform = `translate(${x}px, ${y}px)`;
    card.setAttribute("aria-setsize", String(this.listing.complete ? this.listing.count : -1));
  }

  /**
   * Cards stand in the document in the order in which they are read out.
   * @param {HTMLElement} made
   * @param {number} index
   */
  #insert(made, index) {
    let after = null;
    let nearest = Infinity;
    for (const [other, card] of this.cards) {
      if (other > index && other < nearest) [after, nearest] = [card, other];
    }
    this.list.insertBefore(made, after);
  }

  /**
   * @param {LibraryImage | null} image
   * @param {number} index
   * @returns {HTMLElement}
   */
  #card(image, index) {
    const card = element("div", { class: "image-card", role: "option", id: `image-${index}` });
    card.dataset["id"] = image?.id ?? "";
    card.dataset["index"] = String(index);
    card.setAttribute("aria-posinset", String(index + 1));
    card.setAttribute("aria-selected", String(Boolean(image && this.selection.has(image.id))));
    if (!image) {
      card.classList.add("ghost");
      card.setAttribute("aria-label", t("shell.loading"));
      card.append(element("span", { class: "image-thumb" }));
      return card;
    }
    const thumb = element("img", { src: thumbnailUrl(image.id, this.library), alt: "", decoding: "async" });
    thumb.addEventListener("error", () => thumb.remove());
    const size = t("library.card_size", { width: String(image.width), height: String(image.height) });
    const places = t("library.locations", { count: image.locations.length });
    card.append(
      element("span", { class: "image-thumb" }, thumb),
      element("span", { class: "image-check", "aria-hidden": "true" }),
      element("bdi", { class: "image-name", text: visible(nameOf(image)), title: visible(image.location) }),
      element("span", { class: "image-note", text: `${size} · ${image.format} · ${formatBytes(image.bytes)}` }),
      element("span", { class: "image-note", text: `${formatDate(image.added_at)} · ${places}` }),
    );
    return card;
  }

  /** Say which card the keys act upon, and which are selected. */
  #mark() {
    const active = this.cards.get(this.active);
    if (active) this.list.setAttribute("aria-activedescendant", active.id);
    else this.list.removeAttribute("aria-activedescendant");
    for (const [index, card] of this.cards) {
      card.classList.toggle("active", index === this.active);
      card.setAttribute("aria-selected", String(this.selection.has(card.dataset["id"] ?? "")));
    }
    this.list.classList.toggle("selecting", this.selection.size > 0);
  }

  /**
   * @param {number} index
   * @param {boolean} [extend] Select all from where Shift was first held.
   */
  go(index, extend = false) {
    const { count } = this.listing;
    if (!count) return;
    if (!extend) this.anchor = Math.min(Math.max(index, 0), count - 1);
    this.active = Math.min(Math.max(index, 0), count - 1);
    if (extend) this.#selectRange();
    this.#reveal();
    this.#draw();
  }

  #selectRange() {
    this.selection.clear();
    const [from, to] = [Math.min(this.anchor, this.active), Math.max(this.anchor, this.active)];
    for (let index = from; index <= to; index += 1) {
      const image = this.listing.at(index);
      if (image) this.selection.set(image.id, image);
    }
    this.listeners.selected();
  }

  #reveal() {
    const { columns, row } = this.#measure();
    const box = this.list.getBoundingClientRect();
    const top = box.top + Math.floor(this.active / columns) * row;
    if (top < 8) window.scrollBy(0, top - 8);
    else if (top + row > window.innerHeight - 72) window.scrollBy(0, top + row - window.innerHeight + 72);
  }

  /** @param {LibraryImage} image */
  toggle(image) {
    if (!this.selection.delete(image.id)) this.selection.set(image.id, image);
    this.#mark();
    this.listeners.selected();
  }

  clear() {
    this.selection.clear();
    this.#mark();
    this.listeners.selected();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    if (!(event.target instanceof Element)) return;
    const card = event.target.closest(".image-card");
    if (!(card instanceof HTMLElement)) return;
    const index = Number(card.dataset["index"]);
    const image = this.listing.at(index);
    if (!image) return;
    if (event.shiftKey) {
      this.active = index;
      this.#selectRange();
      this.#mark();
      return;
    }
    this.active = index;
    this.anchor = index;
    const box = card.getBoundingClientRect();
    // The mark is small for the eye; its whole corner takes a finger.
    const corner = event.clientX - box.left < 48 && event.clientY - box.top < 48;
    if (corner || event.ctrlKey || event.metaKey) this.toggle(image);
    else this.listeners.open(image);
    this.#mark();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { columns } = this.#measure();
    const page = columns * Math.max(1, Math.floor(window.innerHeight / this.#measure().row) - 1);
    /** @type {Record<string, number>} */
    const steps = {
      ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: page, PageUp: -page,
      Home: -this.active, End: this.listing.count - 1 - this.active,
    };
    const step = steps[event.key];
    const image = this.listing.at(this.active);
    if (step !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const to = this.active + step;
      const row = Math.abs(step) === columns && columns > 1 && (to < 0 || to >= this.listing.count);
      if (!row || Math.floor(to / columns) === Math.floor((this.listing.count - 1) / columns)) this.go(to, event.shiftKey);
    } else if (event.key === " " && image) this.toggle(image);
    else if (event.key === "Enter" && image) this.listeners.open(image);
    else if (event.key === "Delete" || event.key === "Backspace") {
      if (!this.selection.size && image) this.toggle(image);
      this.listeners.remove();
    } else if (event.key === "Escape" && this.selection.size) this.clear();
    else if (event.key.toLowerCase() === "a" && (event.ctrlKey || event.metaKey)) this.#selectAll();
    else return;
    event.preventDefault();
  }

  #selectAll() {
    for (const image of this.listing.loaded) this.selection.set(image.id, image);
    this.#mark();
    this.listeners.selected();
  }
}
