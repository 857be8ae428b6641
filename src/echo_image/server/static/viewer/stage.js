// @ts-check
/**
 * The canvas of the proof viewer: one or two panes, moved by wheel, pinch, drag and keys. It is drawn at the screen's
 * own resolution, and only when something has changed.
 */

import { Pair } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./geometry.js").View} View
 * @typedef {import("./geometry.js").Framing} Framing
 * @typedef {{x: number, y: number, width: number, height: number}} Pane
 * @typedef {{panes: [Pane, Pane], framings: [Framing, Framing], width: number, height: number}} Layout
 * @typedef {{
 *   panes: 1 | 2,
 *   pair: Pair,
 *   paint: (context: CanvasRenderingContext2D, layout: Layout) => void,
 *   hover?: (at: Point | null, layout: Layout) => void,
 *   tap?: (at: Point, layout: Layout) => void,
 *   grab?: (at: Point, layout: Layout) => ((to: Point) => void) | null,
 * }} Scene
 */

const GAP_PX = 8;
/** Below this width two panes stand one above the other. */
const BESIDE_PX = 560;
/** A finger that has moved less has not moved. */
const TAP_PX = 6;
const KEY_STEP_PX = 48;
const KEY_ZOOM = 1.25;

export class Stage {
  /** @param {(zoom: number) => void} onZoom */
  constructor(onZoom) {
    this.canvas = document.createElement("canvas");
    this.canvas.className = "viewer-canvas";
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.element = document.createElement("div");
    this.element.className = "viewer-stage";
    this.element.append(this.canvas);
    this.onZoom = onZoom;
    /** @type {Scene | null} */
    this.scene = null;
    /** One view for single pictures, one for pairs. @type {Map<number, View>} */
    this.views = new Map();
    /** @type {Map<number, Point>} */
    this.fingers = new Map();
    /** @type {((to: Point) => void) | null} */
    this.grabbed = null;
    /** Where a touch began, while it may be a tap yet. @type {Point | null} */
    this.touched = null;
    this.frame = 0;
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(this.canvas);
    this.#listen();
  }

  /** @param {Scene} scene */
  show(scene) {
    this.scene = scene;
    this.element.classList.toggle("single", scene.panes === 1);
    this.redraw();
  }

  close() {
    this.sizes.disconnect();
    cancelAnimationFrame(this.frame);
    this.scene = null;
  }

  /** @returns {View} */
  get view() {
    const scene = /** @type {Scene} */ (this.scene);
    return this.views.get(scene.panes) ?? scene.pair.whole();
  }

  /** @param {View} view */
  #set(view) {
    const scene = /** @type {Scene} */ (this.scene);
    this.views.set(scene.panes, view);
    this.redraw();
  }

  /** Both pictures whole again. */
  reset() {
    if (this.scene) this.#set(this.scene.pair.whole());
  }

  /**
   * @param {number} factor
   * @param {Point} [at] On the canvas; the place in view where left out.
   */
  zoom(factor, at) {
    if (!this.scene) return;
    const layout = this.layout();
    const index = at ? this.#paneAt(at, layout) : this.view.leading;
    const pane = layout.panes[index];
    /** @type {Point} */
    const offset = at ? [at[0] - pane.x - pane.width / 2, at[1] - pane.y - pane.height / 2] : [0, 0];
    this.#set(this.scene.pair.zoomed(this.view, pane, index, offset, factor));
  }

  /**
   * @param {Point} by Screen px.
   * @param {Point} [at]
   */
  move(by, at) {
    if (!this.scene) return;
    const layout = this.layout();
    const index = at ? this.#paneAt(at, layout) : this.view.leading;
    this.#set(this.scene.pair.moved(this.view, layout.panes[0], index, by));
  }

  /** @returns {Layout} */
  layout() {
    const scene = /** @type {Scene} */ (this.scene);
    const width = Math.max(this.canvas.clientWidth, 2);
    const height = Math.max(this.canvas.clientHeight, 2);
    const whole = { x: 0, y: 0, width, height };
    /** A single picture is the second of a pair whose first is not shown. @type {[Pane, Pane]} */
    let panes = [whole, whole];
    const beside = width >= BESIDE_PX;
    this.element.classList.toggle("stacked", !beside);
    if (scene.panes === 2 && beside) {
      const half = (width - GAP_PX) / 2;
      panes = [{ x: 0, y: 0, width: half, height }, { x: half + GAP_PX, y: 0, width: half, height }];
    } else if (scene.panes === 2) {
      const half = (height - GAP_PX) / 2;
      panes = [{ x: 0, y: 0, width, height: half }, { x: 0, y: half + GAP_PX, width, height: half }];
    }
    return { panes, framings: scene.pair.framings(this.view, panes[0]), width, height };
  }

  redraw() {
    if (this.frame || !this.scene) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (this.scene) this.#draw(this.scene);
    });
  }

  /** @param {Scene} scene */
  #draw(scene) {
    const layout = this.layout();
    const density = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(layout.width * density), Math.round(layout.height * density)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    const context = this.canvas.getContext("2d");
    if (!context) return;
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, layout.width, layout.height);
    scene.paint(context, layout);
    const { zoom } = this.view;
    // While all is seen, a finger scrolls the page; what is enlarged is moved by it.
    this.canvas.classList.toggle("enlarged", zoom > 1);
    this.canvas.dataset.zoom = zoom.toFixed(2);
    this.onZoom(zoom);
  }

  /**
   * @param {Point} at
   * @param {Layout} layout
   * @returns {0 | 1}
   */
  #paneAt([x, y], layout) {
    const [, second] = layout.panes;
    return x >= second.x && y >= second.y ? 1 : 0;
  }

  /**
   * @param {MouseEvent} event
   * @returns {Point}
   */
  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #listen() {
    const { canvas } = this;
    canvas.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        const pixels = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 32;
        this.zoom(Math.exp(Math.min(Math.max(-pixels, -300), 300) * 0.002), this.#place(event));
      },
      { passive: false },
    );
    canvas.addEventListener("dblclick", (event) => this.zoom(2, this.#place(event)));
    canvas.addEventListener("pointerdown", (event) => this.#down(event));
    canvas.addEventListener("pointermove", (event) => this.#dragged(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel"])) {
      canvas.addEventListener(name, (event) => {
        if (name === "pointerup" && this.touched) this.scene?.tap?.(this.touched, this.layout());
        this.touched = null;
        this.fingers.delete(event.pointerId);
        this.grabbed = null;
      });
    }
    canvas.addEventListener("pointerleave", () => this.scene?.hover?.(null, this.layout()));
    canvas.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.button !== 0 || !this.scene) return;
    const at = this.#place(event);
    this.canvas.setPointerCapture(event.pointerId);
    this.fingers.set(event.pointerId, at);
    this.touched = this.fingers.size === 1 ? at : null;
    this.grabbed = this.fingers.size === 1 ? (this.scene.grab?.(at, this.layout()) ?? null) : null;
  }

  /** @param {PointerEvent} event */
  #dragged(event) {
    const at = this.#place(event);
    const before = this.fingers.get(event.pointerId);
    if (!before) {
      this.scene?.hover?.(at, this.layout());
      return;
    }
    const others = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, still]) => still);
    this.fingers.set(event.pointerId, at);
    if (this.touched && Math.hypot(at[0] - this.touched[0], at[1] - this.touched[1]) > TAP_PX) this.touched = null;
    if (this.grabbed) this.grabbed(at);
    else if (others[0]) this.#pinched(before, at, others[0]);
    else this.move([at[0] - before[0], at[1] - before[1]], at);
  }

  /**
   * @param {Point} before
   * @param {Point} at
   * @param {Point} still
   */
  #pinched(before, at, still) {
    const apart = (/** @type {Point} */ point) => Math.hypot(point[0] - still[0], point[1] - still[1]) || 1;
    const middle = /** @type {Point} */ ([(at[0] + still[0]) / 2, (at[1] + still[1]) / 2]);
    this.move([(at[0] - before[0]) / 2, (at[1] - before[1]) / 2], middle);
    this.zoom(apart(at) / apart(before), middle);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.shiftKey && event.key.startsWith("Arrow")) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      "+": () => this.zoom(KEY_ZOOM),
      "=": () => this.zoom(KEY_ZOOM),
      "-": () => this.zoom(1 / KEY_ZOOM),
      "0": () => this.reset(),
      ArrowLeft: () => this.move([KEY_STEP_PX, 0]),
      ArrowRight: () => this.move([-KEY_STEP_PX, 0]),
      ArrowUp: () => this.move([0, KEY_STEP_PX]),
      ArrowDown: () => this.move([0, -KEY_STEP_PX]),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}
