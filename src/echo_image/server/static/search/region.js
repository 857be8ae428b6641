// @ts-check
/**
 * A rectangle on the query, in px of the upright query whatever the size it is shown at. Drawn and changed by mouse,
 * pen or finger; with the keyboard, arrow keys move it, Shift and arrow keys change its size (Control: by single px),
 * Delete removes it.
 */

import { element } from "../shared/dom.js";
import { t } from "../shared/i18n.js";

/** @typedef {import("../shared/api.js").Region} Region */
/** @typedef {{x: number, y: number}} Point */

const HANDLES = /** @type {const} */ (["nw", "n", "ne", "e", "se", "s", "sw", "w"]);
/** Shorter drags, in CSS px, are a slip of the hand. */
const SLIP = 6;
/** Sides of a region, at least, in px of the query. */
const LEAST = 8;
/** Share of a side that one press of a key moves. */
const STEP = 0.02;
/** What changes faster than this, in ms, is not yet what is meant. */
const SETTLED = 350;

/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class RegionPicker {
  /**
   * @param {HTMLElement} stage Shows the query and nothing around it.
   * @param {(region: Region | null) => void} onChange Told once the hand or the key rests.
   */
  constructor(stage, onChange) {
    this.stage = stage;
    this.onChange = onChange;
    this.width = 0;
    this.height = 0;
    /** @type {Region | null} */
    this.region = null;
    this.timer = 0;
    this.pending = false;
    this.hole = element("div", { class: "region-hole" });
    this.shade = element("div", { class: "region-shade", hidden: true }, this.hole);
    this.box = element(
      "div",
      { class: "region", id: "region", tabindex: 0, role: "application", hidden: true, "aria-describedby": "region-said region-help" },
      ...HANDLES.map((name) => element("span", { class: `handle handle-${name}`, "data-handle": name })),
    );
    this.said = element("output", { class: "region-said", id: "region-said" });
    stage.append(this.shade, this.box);
    stage.addEventListener("pointerdown", (event) => this.#press(event));
    stage.addEventListener("dragstart", (event) => event.preventDefault());
    this.box.addEventListener("keydown", (event) => this.#key(event));
    this.write();
  }

  /** Write the texts, in the language there is now. */
  write() {
    this.box.setAttribute("aria-label", t("region.label"));
    this.#show();
  }

  /**
   * @param {number} width px of the upright query.
   * @param {number} height
   */
  setSize(width, height) {
    this.width = width;
    this.height = height;
    this.stage.classList.toggle("can-choose", width > 0);
    this.#show();
  }

  /** @param {Region | null} region */
  set(region) {
    this.#rest();
    this.region = region;
    this.#show();
  }

  /**
   * The answer for a region is there. What the hand has changed since then stays.
   * @param {Region | null} region
   */
  answered(region) {
    if (!this.pending) this.set(region);
  }

  /** Choose the middle, where nothing is chosen yet, and let the keyboard change it. */
  begin() {
    if (!this.width) return;
    if (!this.region) {
      this.#change([0.2 * this.width, 0.2 * this.height, 0.6 * this.width, 0.6 * this.height]);
    }
    this.box.focus();
  }

  clear() {
    const had = this.region;
    this.set(null);
    if (had) this.onChange(null);
  }

  /** @param {number[]} wanted x, y, width, height; made whole and moved into the query. */
  #change(wanted) {
    const [x = 0, y = 0, width = 0, height = 0] = wanted;
    const wide = Math.round(Math.min(Math.max(width, Math.min(LEAST, this.width)), this.width));
    const high = Math.round(Math.min(Math.max(height, Math.min(LEAST, this.height)), this.height));
    const left = Math.round(Math.min(Math.max(x, 0), this.width - wide));
    const top = Math.round(Math.min(Math.max(y, 0), this.height - high));
    this.region = [left, top, wide, high];
    this.#show();
    this.#rest();
    this.pending = true;
    this.timer = window.setTimeout(() => {
      this.#rest();
      this.onChange(this.region);
    }, SETTLED);
  }

  #rest() {
    clearTimeout(this.timer);
    this.pending = false;
  }

  #show() {
    const shown = this.region !== null && this.width > 0;
    this.box.hidden = this.shade.hidden = !shown;
    if (!shown || !this.region) {
      this.said.textContent = "";
      return;
    }
    const [x, y, width, height] = this.region;
    for (const piece of [this.box, this.hole]) {
      piece.style.left = `${(100 * x) / this.width}%`;
      piece.style.top = `${(100 * y) / this.height}%`;
      piece.style.width = `${(100 * width) / this.width}%`;
      piece.style.height = `${(100 * height) / this.height}%`;
    }
    this.said.textContent = t("region.said", { x, y, width, height });
  }

  /**
   * @param {PointerEvent} event
   * @returns {Point} px of the query.
   */
  #at(event) {
    const frame = this.stage.getBoundingClientRect();
    const inside = (/** @type {number} */ value) => Math.min(Math.max(value, 0), 1);
    return {
      x: inside((event.clientX - frame.left) / frame.width) * this.width,
      y: inside((event.clientY - frame.top) / frame.height) * this.height,
    };
  }

  /** @param {PointerEvent} event */
  #press(event) {
    if (!this.width || event.button !== 0 || !event.isPrimary) return;
    const target = /** @type {HTMLElement} */ (event.target);
    const handle = target.dataset["handle"] ?? (this.box.contains(target) ? "move" : "draw");
    // On a page that is scrolled by the finger, only what is chosen already answers to it, or after the button.
    if (handle === "draw" && event.pointerType === "touch" && !this.stage.classList.contains("choosing")) return;
    const before = this.region;
    const start = this.#at(event);
    const from = { x: event.clientX, y: event.clientY };
    let moved = false;
    event.preventDefault();
    this.stage.setPointerCapture(event.pointerId);
    const done = new AbortController();
    const { signal } = done;
    this.stage.addEventListener("pointermove", (next) => {
      if (next.pointerId !== event.pointerId) return;
      moved ||= Math.hypot(next.clientX - from.x, next.clientY - from.y) >= SLIP;
      if (moved) this.#change(dragged(handle, before, start, this.#at(next)));
    }, { signal });
    /** @param {PointerEvent} last */
    const end = (last) => {
      if (last.pointerId !== event.pointerId) return;
      done.abort();
      if (last.type === "pointercancel") this.set(before);
      else if (this.region) this.box.focus({ preventScroll: true });
    };
    this.stage.addEventListener("pointerup", end, { signal });
    this.stage.addEventListener("pointercancel", end, { signal });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (!this.region || event.altKey || event.metaKey) return;
    if (event.key === "Delete" || event.key === "Backspace" || event.key === "Escape") {
      event.preventDefault();
      this.clear();
      return;
    }
    const arrow = ARROWS[event.key];
    if (!arrow) return;
    event.preventDefault();
    const step = event.ctrlKey ? 1 : Math.max(1, Math.round(STEP * Math.max(this.width, this.height)));
    const [x, y, width, height] = this.region;
    const [across, down] = [arrow[0] * step, arrow[1] * step];
    if (!event.shiftKey) this.#change([x + across, y + down, width, height]);
    else this.#change([x, y, Math.min(width + across, this.width - x), Math.min(height + down, this.height - y)]);
  }
}

/**
 * @param {string} handle
 * @param {Region | null} before
 * @param {Point} start
 * @param {Point} now
 * @returns {number[]} x, y, width, height.
 */
function dragged(handle, before, start, now) {
  if (handle === "draw" || !before) {
    return [Math.min(start.x, now.x), Math.min(start.y, now.y), Math.abs(now.x - start.x), Math.abs(now.y - start.y)];
  }
  const [x, y, width, height] = before;
  const [across, down] = [now.x - start.x, now.y - start.y];
  if (handle === "move") return [x + across, y + down, width, height];
  let [left, top, right, bottom] = [x, y, x + width, y + height];
  if (handle.includes("w")) left = Math.min(left + across, right - LEAST);
  if (handle.includes("e")) right = Math.max(right + across, left + LEAST);
  if (handle.includes("n")) top = Math.min(top + down, bottom - LEAST);
  if (handle.includes("s")) bottom = Math.max(bottom + down, top + LEAST);
  return [left, top, right - left, bottom - top];
}
