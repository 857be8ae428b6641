// @ts-check
/** The form that reads a web site: an address, how far from it, and how many pages. */

import * as api from "../shared/api.js";
import { button, element } from "../shared/dom.js";
import { t } from "../shared/i18n.js";
import { errorText } from "../shared/shell.js";

/** Enough for a small site; a large one is a decision. */
const PAGES = 500;
const DEPTH = 3;

/** @typedef {{library: () => string, job: (job: api.Job) => void}} Host */

export class CrawlForm {
  /** @param {Host} host */
  constructor(host) {
    this.host = host;
    /** What was typed, kept when the language changes. */
    this.typed = { address: "", depth: String(DEPTH), pages: String(PAGES), open: false };
  }

  /** @returns {HTMLElement} The form in the language of the page. */
  write() {
    this.#remember();
    this.address = element("input", {
      id: "crawl-address", type: "url", required: true, spellcheck: "false", autocomplete: "off",
      placeholder: "https://example.org/", "aria-describedby": "crawl-hint",
    });
    this.depth = element("input", { id: "crawl-depth", type: "number", min: 0, max: 1000, inputmode: "numeric" });
    this.pages = element("input", { id: "crawl-pages", type: "number", min: 1, inputmode: "numeric" });
    [this.address.value, this.depth.value, this.pages.value] = [this.typed.address, this.typed.depth, this.typed.pages];
    this.told = element("p", { class: "problem", role: "alert" });
    this.send = button(t("library.crawl_start"), { class: "", id: "crawl-start" });
    this.send.type = "submit";
    const form = element(
      "form",
      { class: "crawl-form" },
      element("div", { class: "crawl-address" }, element("label", { for: "crawl-address", text: t("library.crawl_address") }), this.address),
      element("div", {}, element("label", { for: "crawl-depth", text: t("library.crawl_depth") }), this.depth),
      element("div", {}, element("label", { for: "crawl-pages", text: t("library.crawl_pages") }), this.pages),
      element("p", { class: "hint", id: "crawl-hint", text: t("library.crawl_hint") }),
      this.send,
      this.told,
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#start();
    });
    this.shown = element("details", { class: "add-crawl" }, element("summary", { text: t("library.crawl_title") }), form);
    this.shown.open = this.typed.open;
    return this.shown;
  }

  #remember() {
    if (!this.address || !this.depth || !this.pages || !this.shown) return;
    this.typed = { address: this.address.value, depth: this.depth.value, pages: this.pages.value, open: this.shown.open };
  }

  async #start() {
    if (!this.address || !this.depth || !this.pages || !this.send || !this.told) return;
    this.send.disabled = true;
    this.told.textContent = "";
    try {
      const given = { url: this.address.value.trim(), depth: this.depth.value, pages: this.pages.value, library: this.host.library() };
      this.host.job(await api.startCrawl(given));
      this.address.value = "";
    } catch (error) {
      const { title, hint } = errorText(error);
      this.told.textContent = `${title} ${hint}`.trim();
    } finally {
      this.send.disabled = false;
    }
  }
}
