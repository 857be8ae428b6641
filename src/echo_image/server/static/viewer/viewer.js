// @ts-check
/**
 * The proof viewer: a dialog in which one can see for oneself whether two pictures show the same thing.
 *
 * All that it shows comes with one call, `POST /explain`. `openViewer` may be called from any page; it brings its own
 * texts and style sheet, so a page that never opens it does not load them.
 */

import * as api from "../shared/api.js";
import { button, element, loadStyle, visible } from "../shared/dom.js";
import { load, t } from "../shared/i18n.js";
import { errorText, failure } from "../shared/shell.js";
import { Board } from "./board.js";
import { changeList, keyList, numberList, reasonList } from "./facts.js";

/**
 * @typedef {import("../shared/api.js").Query} Query
 * @typedef {import("../shared/api.js").Match} Match
 * @typedef {import("../shared/api.js").Region} Region
 * @typedef {{
 *   query: Query, match: Match, library?: string, region?: Region | null | undefined, matches?: Match[],
 * }} Asked `matches`: all that were found, in order, for going to the previous and the next.
 */

const STYLES = ["static/viewer/viewer.css", "static/viewer/facts.css"];

/** What the history remembers of an open viewer. */
const MARK = "viewer";

/** @type {Viewer | null} */
let open = null;

/**
 * Show why a match is one, or why it is none.
 * @param {Asked} asked
 * @returns {Promise<void>} When the dialog is open; the proof itself may still be under way.
 */
export async function openViewer(asked) {
  await Promise.all([load("viewer"), ...STYLES.map(loadStyle)]);
  open?.close();
  open = new Viewer(asked);
  if (!marked()) history.pushState({ ...history.state, [MARK]: true }, "");
}

/** @returns {boolean} Whether the place in the history is that of an open viewer. */
function marked() {
  return Boolean(history.state?.[MARK]);
}

// Back closes the viewer; the address is the same on both sides of it, so the page behind it stays as it is.
window.addEventListener("popstate", () => {
  if (!marked()) open?.close();
});

class Viewer {
  /** @param {Asked} asked */
  constructor(asked) {
    this.asked = asked;
    this.match = asked.match;
    this.matches = asked.matches?.length ? asked.matches : [asked.match];
    this.opener = document.activeElement;
    this.running = new AbortController();
    /** @type {Board | null} */
    this.board = null;
    this.mode = "beside";
    this.title = element("h2", { id: "viewer-title", class: "viewer-title", tabindex: "-1" });
    this.place = element("bdi", { class: "viewer-place" });
    this.body = element("div", { class: "viewer-body" });
    this.status = element("p", { class: "visually-hidden", role: "status" });
    this.dialog = element("dialog", { class: "viewer", "aria-labelledby": "viewer-title" });
    this.dialog.append(this.#head(), this.body, this.status);
    this.dialog.addEventListener("close", () => this.#closed());
    this.dialog.addEventListener("keydown", (event) => this.#key(event));
    this.dialog.addEventListener("click", (event) => {
      // Only the backdrop is the dialog itself; everything inside is one of its children.
      if (event.target === this.dialog) this.close();
    });
    document.body.append(this.dialog);
    this.dialog.showModal();
    this.title.focus();
    void this.#load();
  }

  close() {
    this.dialog.close();
  }

  #closed() {
    this.running.abort();
    this.board?.close();
    this.dialog.remove();
    if (open === this) {
      open = null;
      if (marked()) history.back();
    }
    if (this.opener instanceof HTMLElement && this.opener.isConnected) this.opener.focus();
  }

  /** @returns {HTMLElement} */
  #head() {
    this.previous = button(t("viewer.previous"), { on: { click: () => this.#go(-1) } });
    this.next = button(t("viewer.next"), { on: { click: () => this.#go(1) } });
    const steps = element("div", { class: "viewer-steps", hidden: this.matches.length < 2 }, this.previous, this.next);
    const close = button(t("shell.close"), { icon: "close", only: true, on: { click: () => this.close() } });
    return element(
      "div",
      { class: "viewer-head" },
      element("div", { class: "viewer-names" }, this.title, this.place),
      steps,
      close,
    );
  }

  /** @param {number} by */
  #go(by) {
    const index = this.matches.findIndex((match) => match.id === this.match.id);
    const match = this.matches[index + by];
    if (!match) return;
    this.match = match;
    void this.#load();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    event.preventDefault();
    this.#go(event.key === "ArrowLeft" ? -1 : 1);
  }

  async #load() {
    this.running.abort();
    const mine = new AbortController();
    this.running = mine;
    this.board?.close();
    this.board = null;
    this.#name();
    this.body.setAttribute("aria-busy", "true");
    this.body.replaceChildren(waiting());
    this.status.textContent = t("viewer.loading");
    try {
      const explanation = await api.explain(this.asked.query, this.match.id, this.#options(), mine.signal);
      const images = await loaded(explanation);
      if (mine.signal.aborted) return;
      this.#show(explanation, images);
      this.status.textContent = t("viewer.ready");
    } catch (error) {
      if (mine.signal.aborted) return;
      this.#fail(error, () => void this.#load());
    }
    this.body.setAttribute("aria-busy", "false");
  }

  #options() {
    const { region, library } = this.asked;
    return { ...(region ? { region } : {}), ...(library ? { library } : {}) };
  }

  #name() {
    const index = this.matches.findIndex((match) => match.id === this.match.id);
    const proven = this.match.verdict !== "similar";
    this.title.textContent = t(proven ? "viewer.title" : "viewer.title_similar");
    this.place.textContent = visible(this.match.location);
    /** @type {[HTMLButtonElement | undefined, number][]} */
    const steps = [[this.previous, index - 1], [this.next, index + 1]];
    for (const [step, to] of steps) {
      // aria-disabled and not disabled: the focus would be lost at the last match.
      step?.setAttribute("aria-disabled", String(!this.matches[to]));
    }
  }

  /**
   * @param {import("../shared/api.js").Explanation} explanation
   * @param {import("./board.js").Pictures} images
   */
  #show(explanation, images) {
    this.board = new Board(explanation, images, this.mode, (mode) => {
      this.mode = mode;
    });
    const facts = element(
      "div",
      { class: "viewer-facts" },
      explanation.match.verdict === "similar" ? reasonList(explanation) : null,
      changeList(explanation.match),
      explanation.match.verdict === "similar" ? null : reasonList(explanation),
      numberList(explanation),
      element("div", { class: "viewer-foot" }, this.#download(), keyList()),
    );
    this.body.replaceChildren(this.board.element, facts);
  }

  /** @returns {HTMLElement} */
  #download() {
    const told = element("p", { class: "viewer-hint", role: "status" });
    const { match } = this;
    const save = async () => {
      told.textContent = t("viewer.drawing");
      try {
        const png = await api.evidence(this.asked.query, match.id, this.#options(), this.running.signal);
        const address = URL.createObjectURL(png);
        element("a", { href: address, download: `echo-image-${match.id.slice(0, 12)}.png` }).click();
        // The browser has begun to read it by the time that the next task runs.
        setTimeout(() => URL.revokeObjectURL(address), 10_000);
        told.textContent = t("viewer.saved");
      } catch (error) {
        if (!this.running.signal.aborted) told.textContent = errorText(error).title;
      }
    };
    return element("div", {}, button(t("viewer.download"), { icon: "down", on: { click: () => void save() } }), told);
  }

  /**
   * @param {unknown} error
   * @param {() => void} again
   */
  #fail(error, again) {
    const retry = button(t("shell.retry"), { class: "", on: { click: again } });
    this.body.replaceChildren(element("div", { class: "viewer-failure" }, failure(error, retry)));
    this.status.textContent = errorText(error).title;
    // What had the focus may be gone with the pictures.
    if (!this.dialog.contains(document.activeElement) || document.activeElement === this.dialog) retry.focus();
  }
}

/**
 * @param {import("../shared/api.js").Explanation} explanation
 * @returns {Promise<import("./board.js").Pictures>} All pictures of it, decoded.
 */
async function loaded({ query, image, aligned }) {
  const [one, two, ...rest] = await Promise.all([
    decoded(query.preview.src),
    decoded(image.preview.src),
    ...(aligned ? [aligned.query, aligned.match, aligned.similarity].map(decoded) : []),
  ]);
  const [before, after, similarity] = rest;
  return {
    query: one,
    match: two,
    aligned: before && after && similarity ? { query: before, match: after, similarity } : null,
  };
}

/**
 * @param {string} source
 * @returns {Promise<HTMLImageElement>}
 */
async function decoded(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  return image;
}

/** @returns {HTMLElement} Room for what will stand there. */
function waiting() {
  return element(
    "div",
    { class: "viewer-board viewer-waiting" },
    element("div", { class: "viewer-tabs-room" }),
    element("div", { class: "viewer-stage" }, element("p", { class: "viewer-hint", text: t("viewer.loading") })),
    element("div", { class: "viewer-controls" }),
  );
}
