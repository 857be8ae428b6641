// @ts-check
/** What is known of one image: a sheet at the side of the page, all of the screen on a phone. */

import * as api from "../shared/api.js";
import { button, copyText, element, icon, place, visible } from "../shared/dom.js";
import { formatBytes, formatDate, formatNumber, t } from "../shared/i18n.js";
import { nameOf } from "./names.js";

/**
 * @typedef {import("../shared/api.js").LibraryImage} LibraryImage
 * @typedef {{
 *   library: string, several: boolean, originals: boolean, mayWrite: boolean,
 *   neighbour: (image: LibraryImage, by: number) => LibraryImage | null, shown: (image: LibraryImage) => void,
 *   remove: (image: LibraryImage) => void, closed: () => void,
 * }} Host
 */

/** Most locations that are listed; of more, the number is told. */
const LISTED = 200;

export class Detail {
  /**
   * @param {LibraryImage} image
   * @param {Host} host
   */
  constructor(image, host) {
    this.image = image;
    this.host = host;
    this.title = element("h2", { id: "detail-title", tabindex: "-1" });
    this.body = element("div", { class: "detail-body" });
    this.spoken = element("p", { class: "visually-hidden", role: "status" });
    this.previous = button(t("library.previous"), { on: { click: () => this.#step(-1) } });
    this.next = button(t("library.next"), { on: { click: () => this.#step(1) } });
    this.dialog = element(
      "dialog",
      { class: "detail", "aria-labelledby": "detail-title" },
      element(
        "div",
        { class: "detail-head" },
        this.title,
        button(t("shell.close"), { icon: "close", only: true, on: { click: () => this.close() } }),
      ),
      this.body,
      element("div", { class: "detail-steps" }, this.previous, this.next),
      this.spoken,
    );
    this.dialog.addEventListener("click", (event) => {
      if (event.target === this.dialog) this.close();
    });
    this.dialog.addEventListener("close", () => {
      this.dialog.remove();
      host.closed();
    });
    document.body.append(this.dialog);
    this.write();
    this.dialog.showModal();
    this.title.focus();
  }

  close() {
    this.dialog.close();
  }

  /** @param {number} by */
  #step(by) {
    const image = this.host.neighbour(this.image, by);
    if (!image) return;
    this.image = image;
    this.host.shown(image);
    this.write();
    this.spoken.textContent = visible(nameOf(image));
  }

  write() {
    const { image, host } = this;
    this.title.replaceChildren(element("bdi", { text: visible(nameOf(image)) }));
    const picture = element("img", { src: api.thumbnailUrl(image.id, host.library), alt: t("library.preview"), decoding: "async" });
    picture.addEventListener("error", () => picture.remove());
    const asked = new URLSearchParams({ image: image.id, ...(host.several ? { library: host.library } : {}) });
    const search = element(
      "a",
      { class: "button", href: `./?${asked}` },
      icon("search"),
      element("span", { text: t("library.search_with") }),
    );
    const original = host.originals
      ? element("a", { class: "button plain", href: api.originalUrl(image.id, host.library), target: "_blank", rel: "noopener", text: t("library.original") })
      : null;
    const remove = host.mayWrite
      ? button(t("library.remove_one"), { icon: "trash", on: { click: () => host.remove(image) } })
      : null;
    this.body.replaceChildren(
      element("div", { class: "detail-picture" }, picture),
      element("div", { class: "actions" }, search, original, remove),
      this.#facts(),
      this.#locations(),
      this.#attributes() ?? "",
    );
    this.body.scrollTop = 0;
    for (const [step, by] of /** @type {[HTMLButtonElement, number][]} */ ([[this.previous, -1], [this.next, 1]])) {
      step.setAttribute("aria-disabled", String(!host.neighbour(image, by)));
    }
  }

  /** @returns {HTMLElement} */
  #facts() {
    const { image } = this;
    const size = t("library.size_px", { width: formatNumber(image.width), height: formatNumber(image.height) });
    const id = element("code", { class: "detail-id", text: image.id });
    return rows([
      [t("library.fact_size"), size],
      [t("library.fact_format"), image.format],
      [t("library.fact_bytes"), formatBytes(image.bytes)],
      [t("library.fact_added"), formatDate(image.added_at, { dateStyle: "long", timeStyle: "short" })],
      [t("library.fact_id"), element("span", { class: "detail-copied" }, id, this.#copy(image.id, t("library.fact_id")))],
    ]);
  }

  /** @returns {HTMLElement} */
  #locations() {
    const { locations } = this.image;
    const list = element("ul", { class: "detail-places" });
    for (const location of locations.slice(0, LISTED)) {
      list.append(element("li", { class: "detail-copied" }, place(location), this.#copy(location, visible(location))));
    }
    const count = locations.length;
    if (count > LISTED) list.append(element("li", { class: "hint", text: t("library.and_more", { count: count - LISTED }) }));
    return element("section", {}, element("h3", { text: t("library.locations", { count }) }), list);
  }

  /** @returns {HTMLElement | null} What was kept with the image by whoever added it. */
  #attributes() {
    const entries = Object.entries(this.image.attributes);
    if (!entries.length) return null;
    const shown = entries.map(([name, value]) => /** @type {[string, string]} */ ([
      visible(name),
      visible(typeof value === "string" ? value : JSON.stringify(value)),
    ]));
    return element("section", {}, element("h3", { text: t("library.attributes") }), rows(shown));
  }

  /**
   * @param {string} text
   * @param {string} what
   * @returns {HTMLElement}
   */
  #copy(text, what) {
    const made = button(t("library.copy", { what }), { icon: "copy", only: true, class: "quiet" });
    made.addEventListener("click", async () => {
      const copied = await copyText(text);
      this.spoken.textContent = t(copied ? "shell.copied" : "shell.copy_failed");
      made.replaceChildren(icon(copied ? "check" : "warning"));
    });
    return made;
  }
}

/**
 * @param {[string, string | Node][]} pairs
 * @returns {HTMLElement}
 */
function rows(pairs) {
  const list = element("dl", { class: "detail-facts" });
  for (const [name, value] of pairs) {
    list.append(element("div", {}, element("dt", { text: name }), element("dd", {}, value)));
  }
  return list;
}
