// @ts-check
/** The upper half of the proof viewer: tabs, the stage, and the controls of the chosen mode. */

import { button, element } from "../shared/dom.js";
import { formatNumber, formatPercent, t } from "../shared/i18n.js";
import { Pair } from "./geometry.js";
import { dividerAt, Lines, paintImage, paintOutline, paintSwipe, shareAt } from "./modes.js";
import { Stage } from "./stage.js";

/**
 * @typedef {import("../shared/api.js").Explanation} Explanation
 * @typedef {import("./stage.js").Scene} Scene
 * @typedef {{
 *   query: HTMLImageElement, match: HTMLImageElement,
 *   aligned: null | {query: HTMLImageElement, match: HTMLImageElement, similarity: HTMLImageElement},
 * }} Pictures
 */

const MODES = Object.freeze(["beside", "points", "swipe", "blink", "overlay", "heat"]);
const ALIGNED = new Set(["swipe", "blink", "overlay", "heat"]);
/** Two changes are one flash, so the fastest is 1.25 flashes a second; three would be too many (WCAG 2.3.1). */
const BLINK_MS = Object.freeze({ least: 400, most: 2000, step: 100, first: 800 });
const GRAB_PX = 28;

export class Board {
  /**
   * @param {Explanation} explanation
   * @param {Pictures} pictures
   * @param {string} mode The one to begin with.
   * @param {(mode: string) => void} onMode
   */
  constructor(explanation, pictures, mode, onMode) {
    this.explanation = explanation;
    this.pictures = pictures;
    this.onMode = onMode;
    this.outlined = true;
    this.swipe = 50;
    this.opacity = 50;
    this.heat = 70;
    /** @type {{other: boolean, playing: boolean, ms: number}} */
    this.blink = { other: false, playing: !matchMedia("(prefers-reduced-motion: reduce)").matches, ms: BLINK_MS.first };
    this.timer = 0;
    this.lines = new Lines(explanation.points, () => this.#lineChosen());
    const { homography } = explanation.match.transform;
    const proven = explanation.points.length > 0 || explanation.outline.match.length > 0;
    this.pair = new Pair([explanation.query, explanation.image], proven ? homography : null);
    const size = explanation.aligned ?? { width: 1, height: 1 };
    this.size = { width: size.width, height: size.height };
    this.single = new Pair([this.size, this.size], null);
    this.zoomShown = element("output", { class: "viewer-zoom" });
    this.stage = new Stage((zoom) => {
      this.zoomShown.textContent = formatPercent(zoom * 100);
    });
    this.names = [element("span", { class: "viewer-name first" }), element("span", { class: "viewer-name second" })];
    this.legend = this.#legend();
    this.stage.element.append(...this.names, this.legend);
    this.controls = element("div", { class: "viewer-controls" });
    this.panel = element("div", { class: "viewer-panel", role: "tabpanel", id: "viewer-panel" });
    this.panel.append(this.stage.element, this.controls);
    this.tabs = this.#tabList();
    this.element = element("div", { class: "viewer-board" }, this.tabs, this.panel);
    this.stage.canvas.addEventListener("keydown", (event) => this.#lineKey(event));
    this.show(this.offers(mode) ? mode : "beside");
  }

  close() {
    clearInterval(this.timer);
    this.stage.close();
  }

  /**
   * @param {string} mode
   * @returns {boolean} Whether there is something to show in it.
   */
  offers(mode) {
    if (mode === "points") return this.explanation.points.length > 0;
    return !ALIGNED.has(mode) || this.pictures.aligned !== null;
  }

  /** @returns {HTMLElement} */
  #tabList() {
    const list = element("div", { class: "viewer-tabs", role: "tablist", "aria-label": t("viewer.modes") });
    for (const mode of MODES.filter((name) => this.offers(name))) {
      const tab = element("button", {
        type: "button",
        role: "tab",
        id: `viewer-tab-${mode}`,
        "aria-controls": "viewer-panel",
        text: t(`viewer.mode.${mode}`),
        on: { click: () => this.show(mode) },
      });
      tab.dataset["mode"] = mode;
      list.append(tab);
    }
    list.addEventListener("keydown", (event) => {
      if (event.shiftKey) return;
      const all = /** @type {HTMLElement[]} */ ([...list.children]);
      const now = all.findIndex((tab) => tab === document.activeElement);
      const last = all.length - 1;
      const to = { ArrowRight: now < last ? now + 1 : 0, ArrowLeft: now > 0 ? now - 1 : last, Home: 0, End: last }[event.key];
      const tab = to === undefined ? null : all[to];
      if (!tab) return;
      event.preventDefault();
      tab.focus();
      this.show(tab.dataset["mode"] ?? "beside");
    });
    return list;
  }

  /** @param {string} mode */
  show(mode) {
    this.mode = mode;
    this.onMode(mode);
    for (const tab of /** @type {Iterable<HTMLElement>} */ (this.tabs.children)) {
      const chosen = tab.dataset["mode"] === mode;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      if (chosen) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    this.panel.setAttribute("aria-labelledby", `viewer-tab-${mode}`);
    this.#setTimer();
    this.stage.show(this.#scene(mode));
    this.#nameAll();
    this.controls.replaceChildren(...this.#controlsOf(mode), this.#zoomControls());
  }

  /**
   * @param {string} mode
   * @returns {Scene}
   */
  #scene(mode) {
    if (ALIGNED.has(mode)) return this.#alignedScene(mode);
    const { explanation, pictures } = this;
    return {
      panes: 2,
      pair: this.pair,
      paint: (context, layout) => {
        const [one, two] = layout.panes;
        paintImage(context, pictures.query, explanation.query, one, layout.framings[0]);
        paintImage(context, pictures.match, explanation.image, two, layout.framings[1]);
        if (mode === "points") this.lines.paint(context, layout);
        else if (this.outlined) {
          paintOutline(context, explanation.outline.query, explanation.query, one, layout.framings[0]);
          paintOutline(context, explanation.outline.match, explanation.image, two, layout.framings[1]);
        }
      },
      hover: (at, layout) => {
        if (mode === "points") this.lines.hover(at, layout);
      },
      tap: (at, layout) => {
        if (mode === "points") this.lines.tap(at, layout);
      },
    };
  }

  /**
   * @param {string} mode
   * @returns {Scene}
   */
  #alignedScene(mode) {
    const images = /** @type {NonNullable<Pictures["aligned"]>} */ (this.pictures.aligned);
    const { size } = this;
    /** @type {Scene["paint"]} */
    const paint = (context, layout) => {
      /** @param {HTMLImageElement} image @param {number} [alpha] */
      const layer = (image, alpha = 1) => {
        context.globalAlpha = alpha;
        paintImage(context, image, size, layout.panes[0], layout.framings[1]);
        context.globalAlpha = 1;
      };
      if (mode === "swipe") paintSwipe(context, layout, size, images, this.swipe / 100);
      else if (mode === "blink") layer(this.blink.other ? images.match : images.query);
      else {
        // The colours of the differences are told from the picture's own.
        if (mode === "heat") context.filter = "grayscale(1) contrast(0.75)";
        layer(images.match);
        context.filter = "none";
        if (mode === "overlay") layer(images.query, this.opacity / 100);
        else layer(images.similarity, this.heat / 100);
      }
    };
    /** @type {NonNullable<Scene["grab"]>} */
    const grab = (at, layout) => {
      if (mode !== "swipe" || Math.abs(at[0] - dividerAt(layout, size, this.swipe / 100)) > GRAB_PX) return null;
      return (to) => {
        this.swipe = 100 * shareAt(this.stage.layout(), size, to[0]);
        const range = this.controls.querySelector("input");
        if (range) range.value = String(Math.round(this.swipe));
        this.stage.redraw();
      };
    };
    return { panes: 1, pair: this.single, paint, grab };
  }

  #nameAll() {
    const [first, second] = this.names;
    const { mode = "beside" } = this;
    const two = mode === "beside" || mode === "points" || mode === "swipe";
    if (first) first.textContent = mode === "blink" && this.blink.other ? t("viewer.match") : t("viewer.query");
    if (first) first.hidden = mode === "overlay" || mode === "heat";
    if (second) second.textContent = t("viewer.match");
    if (second) second.hidden = !two;
    this.legend.hidden = mode !== "heat";
    this.stage.canvas.setAttribute("aria-label", t(`viewer.picture.${mode}`, { count: this.lines.points.length }));
  }

  /**
   * @param {string} mode
   * @returns {Node[]}
   */
  #controlsOf(mode) {
    if (mode === "points") return this.#lineControls();
    if (mode === "blink") return this.#blinkControls();
    if (mode === "swipe") return [this.#range("viewer.divider", this.swipe, (value) => (this.swipe = value))];
    if (mode === "overlay") return [this.#range("viewer.opacity", this.opacity, (value) => (this.opacity = value))];
    if (mode === "heat") {
      return [this.#range("viewer.heat_opacity", this.heat, (value) => (this.heat = value))];
    }
    if (!this.explanation.outline.match.length) return [];
    const box = element("input", { type: "checkbox" });
    box.checked = this.outlined;
    box.addEventListener("change", () => {
      this.outlined = box.checked;
      this.stage.redraw();
    });
    return [element("label", { class: "viewer-check" }, box, t("viewer.outline"))];
  }

  /** @returns {Node[]} */
  #lineControls() {
    this.lineShown = element("p", { class: "viewer-hint viewer-line", role: "status" });
    this.#tellLine();
    return [
      button(t("viewer.line_previous"), { on: { click: () => this.lines.step(-1) } }),
      button(t("viewer.line_next"), { on: { click: () => this.lines.step(1) } }),
      this.lineShown,
    ];
  }

  #lineChosen() {
    this.stage.redraw();
    this.#tellLine();
  }

  #tellLine() {
    const { shown, points } = this.lines;
    const line = points[shown];
    if (!this.lineShown) return;
    const count = points.length;
    if (!line) this.lineShown.textContent = t("viewer.lines", { count });
    else {
      const [qx, qy, mx, my] = line.map((value) => Math.round(value));
      const ends = { qx: qx ?? 0, qy: qy ?? 0, mx: mx ?? 0, my: my ?? 0 };
      this.lineShown.textContent = t("viewer.line", { number: shown + 1, all: count, ...ends });
    }
    this.stage.canvas.dataset["line"] = String(shown);
  }

  /** @param {KeyboardEvent} event */
  #lineKey(event) {
    if (this.mode !== "points" || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "n" || key === "p") this.lines.step(key === "n" ? 1 : -1);
  }

  /** @returns {Node[]} */
  #blinkControls() {
    const play = button("", { on: { click: () => toggle() } });
    const write = () => {
      play.textContent = t(this.blink.playing ? "viewer.pause" : "viewer.play");
    };
    const toggle = () => {
      this.blink.playing = !this.blink.playing;
      write();
      this.#setTimer();
    };
    write();
    const swap = button(t("viewer.swap"), { on: { click: () => this.#swap() } });
    const { least, most, step } = BLINK_MS;
    const shown = (/** @type {number} */ ms) =>
      formatNumber(ms / 1000, { style: "unit", unit: "second", unitDisplay: "short", minimumFractionDigits: 1 });
    const range = this.#range("viewer.interval", this.blink.ms, (value) => {
      this.blink.ms = value;
      this.#setTimer();
    }, { least, most, step, shown });
    return [play, swap, range];
  }

  #swap() {
    this.blink.other = !this.blink.other;
    this.#nameAll();
    this.stage.redraw();
  }

  #setTimer() {
    clearInterval(this.timer);
    this.timer = 0;
    if (this.mode === "blink" && this.blink.playing) this.timer = setInterval(() => this.#swap(), this.blink.ms);
  }

  /**
   * @param {string} key
   * @param {number} value
   * @param {(value: number) => void} onInput
   * @param {{least: number, most: number, step: number, shown: (value: number) => string}} [bounds]
   * @returns {HTMLElement}
   */
  #range(key, value, onInput, bounds = { least: 0, most: 100, step: 1, shown: (percent) => formatPercent(percent) }) {
    const { least, most, step, shown } = bounds;
    const input = element("input", { type: "range", min: least, max: most, step });
    input.value = String(Math.round(value));
    input.setAttribute("aria-valuetext", shown(value));
    input.addEventListener("input", () => {
      onInput(Number(input.value));
      input.setAttribute("aria-valuetext", shown(Number(input.value)));
      this.stage.redraw();
    });
    return element("label", { class: "viewer-range" }, element("span", { text: t(key) }), input);
  }

  /** @returns {HTMLElement} */
  #legend() {
    const mean = this.explanation.aligned?.mean ?? 0;
    const average = formatNumber(mean, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    return element(
      "div",
      { class: "viewer-legend" },
      element("span", { text: t("viewer.heat_same") }),
      element("span", { class: "viewer-scale", "aria-hidden": "true" }),
      element("span", { text: t("viewer.heat_different") }),
      element("span", { text: t("viewer.heat_mean", { mean: average }) }),
    );
  }

  /** @returns {HTMLElement} */
  #zoomControls() {
    const act = (/** @type {string} */ key, /** @type {string} */ sign, /** @type {() => void} */ click) => {
      const made = element("button", { type: "button", class: "button plain viewer-sign", text: sign, on: { click } });
      made.setAttribute("aria-label", t(key));
      return made;
    };
    return element(
      "div",
      { class: "viewer-zooms", role: "group", "aria-label": t("viewer.zoom") },
      act("viewer.zoom_out", "−", () => this.stage.zoom(1 / 1.5)),
      this.zoomShown,
      act("viewer.zoom_in", "+", () => this.stage.zoom(1.5)),
      button(t("viewer.whole"), { on: { click: () => this.stage.reset() } }),
    );
  }
}
