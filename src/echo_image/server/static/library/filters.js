// @ts-check
/** The filters of the library page and the address that has them. */

import { button, element } from "../shared/dom.js";
import { t } from "../shared/i18n.js";

/** @typedef {import("./listing.js").Wanted} Wanted */

const FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP"];
// An input called "contains" would take the place of the form's method of that name.
const NAMES = /** @type {const} */ (["place", "format", "min_side", "max_side", "added_after", "added_before", "order"]);
/** Typing is over when nothing was typed for so long. */
const TYPED_MS = 350;

export class Filters {
  /**
   * @param {HTMLFormElement} form
   * @param {HTMLElement} clearPlace Where the button stands that takes all filters away.
   * @param {() => void} onChange
   */
  constructor(form, clearPlace, onChange) {
    this.form = form;
    this.clearPlace = clearPlace;
    /** On a narrow screen, all but the first are folded away. */
    this.unfolded = false;
    this.onChange = onChange;
    /** @type {Record<string, string>} */
    this.values = {};
    const asked = new URLSearchParams(location.search);
    for (const name of NAMES) this.values[name] = asked.get(name) ?? "";
    this.unfolded = this.narrowed;
    let timer = 0;
    form.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => this.#read(), TYPED_MS);
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(timer);
      this.#read();
    });
    this.write();
  }

  /** Write the form in the language of the page. */
  write() {
    const { values } = this;
    const chosen = (/** @type {string} */ name, /** @type {[string, string][]} */ options) => {
      const select = element("select", { id: `filter-${name}`, name });
      for (const [value, text] of options) select.append(element("option", { value, text }));
      select.value = values[name] ?? "";
      return select;
    };
    const typed = (/** @type {string} */ name, /** @type {Record<string, string | number>} */ about) => {
      const input = element("input", { id: `filter-${name}`, name, ...about });
      input.value = values[name] ?? "";
      return input;
    };
    const number = { type: "number", min: 1, max: 1_000_000, step: 1, inputmode: "numeric", placeholder: "px" };
    this.clear = button(t("library.filters_clear"), { class: "quiet", id: "filters-clear", on: { click: () => this.reset() } });
    this.clearPlace.replaceChildren(this.clear);
    this.fold = button(t("library.filters_more"), { icon: "filter", id: "filters-fold", on: { click: () => this.#unfold() } });
    this.form.setAttribute("aria-label", t("library.filters"));
    this.form.replaceChildren(
      field("place", t("library.filter_location"), typed("place", {
        type: "search", autocomplete: "off", spellcheck: "false", placeholder: "IMG_2024",
      })),
      this.fold,
      field("format", t("library.filter_format"), chosen("format", [["", t("library.any")], ...FORMATS.map((name) => /** @type {[string, string]} */ ([name, name]))])),
      pair(t("library.filter_side"), t("library.from"), t("library.to"), typed("min_side", number), typed("max_side", number)),
      pair(t("library.filter_added"), t("library.from"), t("library.to"), typed("added_after", { type: "date" }), typed("added_before", { type: "date" })),
      field("order", t("library.order"), chosen("order", [["", t("library.oldest")], ["newest", t("library.newest")]])),
    );
    this.#mark();
  }

  #unfold() {
    this.unfolded = !this.unfolded;
    this.#mark();
  }

  /** @returns {boolean} Whether fewer than all images are asked for. */
  get narrowed() {
    return NAMES.some((name) => name !== "order" && this.values[name]);
  }

  reset() {
    for (const name of NAMES) if (name !== "order") this.values[name] = "";
    for (const control of this.form.elements) {
      if ((control instanceof HTMLInputElement || control instanceof HTMLSelectElement) && control.name !== "order") control.value = "";
    }
    this.#mark();
    this.form.querySelector("input")?.focus();
    this.onChange();
  }

  #read() {
    const data = new FormData(this.form);
    let changed = false;
    for (const name of NAMES) {
      const value = String(data.get(name) ?? "").trim();
      changed ||= value !== this.values[name];
      this.values[name] = value;
    }
    this.#mark();
    if (changed) this.onChange();
  }

  #mark() {
    if (this.clear) this.clear.hidden = !this.narrowed;
    this.fold?.setAttribute("aria-expanded", String(this.unfolded));
    this.form.classList.toggle("unfolded", this.unfolded);
  }

  /** @returns {Wanted} As the service understands it: days of this place as instants. */
  wanted() {
    const { place = "", format = "", min_side = "", max_side = "", added_after = "", added_before = "", order = "" } = this.values;
    return {
      ...(place ? { contains: place } : {}),
      ...(format ? { format } : {}),
      ...(Number(min_side) > 0 ? { min_side: Number(min_side) } : {}),
      ...(Number(max_side) > 0 ? { max_side: Number(max_side) } : {}),
      ...instant("added_after", added_after, 0),
      ...instant("added_before", added_before, 1),
      ...(order === "newest" ? { order } : {}),
    };
  }

  /** @returns {Record<string, string>} For the address. */
  address() {
    return Object.fromEntries(Object.entries(this.values).filter(([, value]) => value));
  }
}

/**
 * @param {string} name
 * @param {string} day Such as "2026-05-01".
 * @param {number} later Days: the last day of a range belongs to it.
 * @returns {Record<string, string>}
 */
function instant(name, day, later) {
  const [year, month, date] = day.split("-").map(Number);
  if (!year || !month || !date) return {};
  return { [name]: new Date(year, month - 1, date + later).toISOString() };
}

/**
 * @param {string} name
 * @param {string} label
 * @param {HTMLElement} control
 * @returns {HTMLElement}
 */
function field(name, label, control) {
  return element("div", { class: `filter filter-${name}` }, element("label", { for: control.id, text: label }), control);
}

/**
 * @param {string} label
 * @param {string} from
 * @param {string} to
 * @param {HTMLElement} first
 * @param {HTMLElement} last
 * @returns {HTMLElement} Two controls that are the ends of a range.
 */
function pair(label, from, to, first, last) {
  first.setAttribute("aria-label", `${label}: ${from}`);
  last.setAttribute("aria-label", `${label}: ${to}`);
  return element(
    "div",
    { class: "filter filter-range", role: "group", "aria-label": label },
    element("span", { class: "filter-name", text: label }),
    element("span", { class: "filter-ends" }, first, element("span", { "aria-hidden": "true", text: "–" }), last),
  );
}
