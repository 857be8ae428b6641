// @ts-check
/**
 * What the proof viewer can show: two pictures side by side, the key points that they share, and the aligned pair
 * under a slider, blinking, overlaid and as a map of differences. Each mode paints, and has controls of its own.
 */

import { onCanvas } from "./geometry.js";

/**
 * @typedef {import("./geometry.js").Point} Point
 * @typedef {import("./geometry.js").Pair} Pair
 * @typedef {import("./geometry.js").Framing} Framing
 * @typedef {import("./stage.js").Layout} Layout
 * @typedef {import("./stage.js").Pane} Pane
 * @typedef {[number, number, number, number]} Line qx, qy, mx, my.
 */

/** Drawn over pictures of any colour, so each has a dark companion; the same by day and by night. */
const MARK = "#2dd4bf";
const CHOSEN = "#ffb020";
const EDGE = "rgb(0 0 0 / 75%)";
const NEAR_PX = 12;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {CanvasImageSource} image A preview, perhaps smaller than the image it stands for.
 * @param {import("./geometry.js").Size} size Of the image, px.
 * @param {Pane} pane
 * @param {Framing} framing
 */
export function paintImage(context, image, size, pane, framing) {
  const [left, top] = onCanvas(framing, pane, [-0.5, -0.5]);
  context.save();
  context.beginPath();
  context.rect(pane.x, pane.y, pane.width, pane.height);
  context.clip();
  context.imageSmoothingQuality = "high";
  context.drawImage(image, left, top, size.width * framing.scale, size.height * framing.scale);
  context.restore();
}

/**
 * Outline a part; what is outside of it is darkened.
 * @param {CanvasRenderingContext2D} context
 * @param {Point[]} outline
 * @param {import("./geometry.js").Size} size Of the image, px.
 * @param {Pane} pane
 * @param {Framing} framing
 */
export function paintOutline(context, outline, size, pane, framing) {
  if (outline.length < 3) return;
  const corners = outline.map((point) => onCanvas(framing, pane, point));
  context.save();
  context.beginPath();
  context.rect(pane.x, pane.y, pane.width, pane.height);
  context.clip();
  const path = new Path2D();
  corners.forEach(([x, y], index) => (index ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
  const outside = new Path2D(path);
  outside.rect(...onCanvas(framing, pane, [-0.5, -0.5]), size.width * framing.scale, size.height * framing.scale);
  context.fillStyle = "rgb(0 0 0 / 38%)";
  context.fill(outside, "evenodd");
  context.lineJoin = "round";
  context.strokeStyle = EDGE;
  context.lineWidth = 5;
  context.stroke(path);
  context.strokeStyle = MARK;
  context.lineWidth = 2.5;
  context.stroke(path);
  context.restore();
}

/**
 * @param {Pane} pane
 * @param {Point} point
 */
function inside(pane, [x, y]) {
  return x >= pane.x && y >= pane.y && x <= pane.x + pane.width && y <= pane.y + pane.height;
}

/** The lines between key points that the two pictures share; one may be chosen. */
export class Lines {
  /**
   * @param {Line[]} points
   * @param {() => void} onChange
   */
  constructor(points, onChange) {
    // From left to right, so that stepping through them goes over the picture and not to and fro.
    this.points = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.onChange = onChange;
    this.chosen = -1;
    /** Hovering shows a line for as long as it lasts. */
    this.hovered = -1;
  }

  get shown() {
    return this.hovered >= 0 ? this.hovered : this.chosen;
  }

  /** @param {number} by */
  step(by) {
    if (!this.points.length) return;
    const count = this.points.length;
    this.chosen = this.chosen < 0 ? (by > 0 ? 0 : count - 1) : (this.chosen + by + count) % count;
    this.hovered = -1;
    this.onChange();
  }

  /**
   * @param {Line} line
   * @param {Layout} layout
   * @returns {[Point, Point]}
   */
  #ends(line, layout) {
    return [
      onCanvas(layout.framings[0], layout.panes[0], [line[0], line[1]]),
      onCanvas(layout.framings[1], layout.panes[1], [line[2], line[3]]),
    ];
  }

  /**
   * @param {Point | null} at
   * @param {Layout} layout
   */
  hover(at, layout) {
    let best = NEAR_PX;
    let found = -1;
    if (at) {
      this.points.forEach((line, index) => {
        const ends = this.#ends(line, layout);
        if (!inside(layout.panes[0], ends[0]) || !inside(layout.panes[1], ends[1])) return;
        // Ends are what is aimed at; of the lines between them only what is very close counts.
        const near = Math.min(...ends.map((end) => Math.hypot(end[0] - at[0], end[1] - at[1])));
        const far = distance(at, ends) * 3;
        if (Math.min(near, far) < best) [best, found] = [Math.min(near, far), index];
      });
    }
    if (found === this.hovered) return;
    this.hovered = found;
    this.onChange();
  }

  /**
   * Choose the line at a place, for fingers, which do not hover.
   * @param {Point} at
   * @param {Layout} layout
   */
  tap(at, layout) {
    this.hover(at, layout);
    this.chosen = this.hovered;
    this.onChange();
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {Layout} layout
   */
  paint(context, layout) {
    const { shown } = this;
    this.points.forEach((line, index) => {
      if (index !== shown) this.#paintOne(context, this.#ends(line, layout), layout, shown < 0 ? 0.8 : 0.2, MARK);
    });
    const line = this.points[shown];
    if (line) this.#paintOne(context, this.#ends(line, layout), layout, 1, CHOSEN);
  }

  /**
   * @param {CanvasRenderingContext2D} context
   * @param {[Point, Point]} ends
   * @param {Layout} layout
   * @param {number} alpha
   * @param {string} colour
   */
  #paintOne(context, ends, layout, alpha, colour) {
    const chosen = colour === CHOSEN;
    const seen = [inside(layout.panes[0], ends[0]), inside(layout.panes[1], ends[1])];
    context.save();
    context.globalAlpha = alpha * (chosen || this.points.length < 80 ? 1 : 0.7);
    context.strokeStyle = colour;
    context.fillStyle = colour;
    if (seen[0] && seen[1]) {
      context.lineWidth = chosen ? 2.5 : 1;
      context.beginPath();
      context.moveTo(...ends[0]);
      context.lineTo(...ends[1]);
      context.stroke();
    }
    ends.forEach((end, index) => {
      if (!seen[index]) return;
      context.beginPath();
      context.arc(end[0], end[1], chosen ? 8 : 2.5, 0, 2 * Math.PI);
      if (chosen) {
        context.lineWidth = 5;
        context.strokeStyle = EDGE;
        context.stroke();
        context.lineWidth = 2.5;
        context.strokeStyle = colour;
        context.stroke();
      } else context.fill();
    });
    context.restore();
  }
}

/**
 * @param {Point} at
 * @param {[Point, Point]} ends
 * @returns {number} Distance of a point from a stretch.
 */
function distance(at, [a, b]) {
  const [dx, dy] = [b[0] - a[0], b[1] - a[1]];
  const along = ((at[0] - a[0]) * dx + (at[1] - a[1]) * dy) / (dx * dx + dy * dy || 1);
  const t = Math.min(Math.max(along, 0), 1);
  return Math.hypot(a[0] + t * dx - at[0], a[1] + t * dy - at[1]);
}

/**
 * The aligned pair with a divider: the query left of it, the match right of it.
 * @param {CanvasRenderingContext2D} context
 * @param {Layout} layout
 * @param {import("./geometry.js").Size} size
 * @param {{query: CanvasImageSource, match: CanvasImageSource}} images
 * @param {number} share Of the picture's width that lies left of the divider.
 */
export function paintSwipe(context, layout, size, images, share) {
  const [pane, framing] = [layout.panes[0], layout.framings[1]];
  const x = dividerAt(layout, size, share);
  paintImage(context, images.match, size, pane, framing);
  context.save();
  context.beginPath();
  context.rect(pane.x, pane.y, x - pane.x, pane.height);
  context.clip();
  paintImage(context, images.query, size, pane, framing);
  context.restore();
  const top = Math.max(onCanvas(framing, pane, [0, -0.5])[1], pane.y);
  const bottom = Math.min(onCanvas(framing, pane, [0, size.height - 0.5])[1], pane.y + pane.height);
  context.fillStyle = EDGE;
  context.fillRect(x - 2.5, top, 5, bottom - top);
  context.fillStyle = "#ffffff";
  context.fillRect(x - 1, top, 2, bottom - top);
  const middle = (top + bottom) / 2;
  context.beginPath();
  context.arc(x, middle, 13, 0, 2 * Math.PI);
  context.fillStyle = "#ffffff";
  context.strokeStyle = EDGE;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
  context.fillStyle = "#1c2023";
  for (const side of [-1, 1]) {
    context.beginPath();
    context.moveTo(x + side * 9, middle);
    context.lineTo(x + side * 4, middle - 4.5);
    context.lineTo(x + side * 4, middle + 4.5);
    context.fill();
  }
}

/**
 * @param {Layout} layout
 * @param {import("./geometry.js").Size} size
 * @param {number} share
 * @returns {number} Where the divider stands on the canvas, px.
 */
export function dividerAt(layout, size, share) {
  return onCanvas(layout.framings[1], layout.panes[0], [share * size.width - 0.5, 0])[0];
}

/**
 * @param {Layout} layout
 * @param {import("./geometry.js").Size} size
 * @param {number} x On the canvas, px.
 * @returns {number} The share of the picture's width that lies left of it, 0–1.
 */
export function shareAt(layout, size, x) {
  const [pane, framing] = [layout.panes[0], layout.framings[1]];
  const at = (x - pane.x - pane.width / 2) / framing.scale + framing.centre[0] + 0.5;
  return Math.min(Math.max(at / size.width, 0), 1);
}
