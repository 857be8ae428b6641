// @ts-check
/**
 * Where things lie: points of the query and of the match, and what part of each a pane shows.
 *
 * Convention: (x, y) in pixels of the full upright image, y down, the centre of the top-left pixel is (0, 0). A
 * homography maps query → match. A pane shows an image at `scale` screen pixels a pixel, with `centre` in its middle.
 */

/**
 * @typedef {[number, number]} Point
 * @typedef {[number, number, number]} Row
 * @typedef {[Row, Row, Row]} Homography
 * @typedef {{width: number, height: number}} Size
 * @typedef {{scale: number, centre: Point}} Framing
 * @typedef {{leading: 0 | 1, centre: Point, zoom: number}} View `centre` in pixels of the image of pane `leading`.
 */

/** How far the first pane that zooms goes beyond "whole picture seen". */
export const MAX_ZOOM = 40;

/**
 * @param {Homography} h
 * @param {Point} point
 * @returns {Point | null} null where the point lies beyond the horizon of a perspective.
 */
export function mapped(h, [x, y]) {
  const w = h[2][0] * x + h[2][1] * y + h[2][2];
  if (!(w * Math.sign(h[2][2] || 1) > 1e-9)) return null;
  return [(h[0][0] * x + h[0][1] * y + h[0][2]) / w, (h[1][0] * x + h[1][1] * y + h[1][2]) / w];
}

/**
 * @param {Homography} h
 * @returns {Homography | null} null where it has none.
 */
export function inverse(h) {
  const [[a, b, c], [d, e, f], [g, i, j]] = h;
  const determinant = a * (e * j - f * i) - b * (d * j - f * g) + c * (d * i - e * g);
  if (!Number.isFinite(determinant) || Math.abs(determinant) < 1e-12) return null;
  return [
    [(e * j - f * i) / determinant, (c * i - b * j) / determinant, (b * f - c * e) / determinant],
    [(f * g - d * j) / determinant, (a * j - c * g) / determinant, (c * d - a * f) / determinant],
    [(d * i - e * g) / determinant, (b * g - a * i) / determinant, (a * e - b * d) / determinant],
  ];
}

/**
 * @param {Homography} h
 * @param {Point} point
 * @returns {number} Pixels of the match for a pixel of the query at that point: the root of the Jacobian's determinant.
 */
export function localScale(h, [x, y]) {
  const here = mapped(h, [x, y]);
  const right = mapped(h, [x + 1, y]);
  const down = mapped(h, [x, y + 1]);
  if (!here || !right || !down) return 1;
  const area = (right[0] - here[0]) * (down[1] - here[1]) - (right[1] - here[1]) * (down[0] - here[0]);
  return Math.sqrt(Math.abs(area)) || 1;
}

/**
 * @param {number[][] | null | undefined} rows
 * @returns {Homography | null} null where it does not say where a point went: an unproven match has zeros, or none.
 */
export function homographyOf(rows) {
  if (rows?.length !== 3 || !rows.every((row) => row.length === 3 && row.every(Number.isFinite))) return null;
  const h = /** @type {Homography} */ (rows);
  return inverse(h) && h;
}

/**
 * @param {Size} image
 * @param {Size} pane
 * @returns {number} The scale at which the whole image is seen.
 */
export function fit(image, pane) {
  return Math.min(pane.width / image.width, pane.height / image.height);
}

/**
 * Keep a picture in its pane: what is smaller stays in the middle, what is larger leaves no empty edge.
 * @param {Point} centre
 * @param {number} scale
 * @param {Size} image
 * @param {Size} pane
 * @returns {Point}
 */
export function held([x, y], scale, image, pane) {
  /** @param {number} at @param {number} length @param {number} room @returns {number} */
  const along = (at, length, room) => {
    const half = room / scale / 2;
    const middle = length / 2 - 0.5;
    return 2 * half >= length ? middle : Math.min(Math.max(at, half - 0.5), length - half - 0.5);
  };
  return [along(x, image.width, pane.width), along(y, image.height, pane.height)];
}

/**
 * @param {0 | 1} pane
 * @returns {0 | 1}
 */
function other(pane) {
  return pane === 0 ? 1 : 0;
}

/**
 * @param {Point} point
 * @param {Point} by
 * @param {number} factor
 * @returns {Point}
 */
function shifted([x, y], by, factor) {
  return [x + by[0] * factor, y + by[1] * factor];
}

/** Two pictures that are looked at together: the same place stays in the middle of both. */
export class Pair {
  /**
   * @param {[Size, Size]} images Query and match, px of the full images.
   * @param {number[][] | null | undefined} homography query → match; without one, the same share of each is shown.
   */
  constructor(images, homography) {
    this.images = images;
    /** @type {[Homography, Homography] | null} */
    this.maps = null;
    const forth = homographyOf(homography);
    const back = forth && inverse(forth);
    if (forth && back) this.maps = [forth, back];
  }

  /**
   * @param {0 | 1} pane The one whose point is given.
   * @param {Point} point
   * @returns {Point} The same place in the other image.
   */
  other(pane, point) {
    const found = this.maps && mapped(this.maps[pane], point);
    if (found) return found;
    const [from, to] = [this.images[pane], this.images[other(pane)]];
    return [((point[0] + 0.5) / from.width) * to.width - 0.5, ((point[1] + 0.5) / from.height) * to.height - 0.5];
  }

  /**
   * What each pane shows. With a homography the picture that is seen smaller grows first, until the shared part has
   * one size in both; no picture is ever shown smaller than whole.
   * @param {View} view
   * @param {Size} pane
   * @returns {[Framing, Framing]}
   */
  framings(view, pane) {
    const scales = this.#scales(view, [fit(this.images[0], pane), fit(this.images[1], pane)]);
    /** @type {[Point, Point]} */
    const centres = [view.centre, view.centre];
    centres[other(view.leading)] = this.other(view.leading, view.centre);
    return [
      { scale: scales[0], centre: held(centres[0], scales[0], this.images[0], pane) },
      { scale: scales[1], centre: held(centres[1], scales[1], this.images[1], pane) },
    ];
  }

  /**
   * @param {View} view
   * @param {[number, number]} fits
   * @returns {[number, number]}
   */
  #scales(view, fits) {
    if (!this.maps) return [fits[0] * view.zoom, fits[1] * view.zoom];
    const at = view.leading === 0 ? view.centre : this.other(1, view.centre);
    const ratio = localScale(this.maps[0], at);
    const start = Math.min(fits[1], fits[0] / ratio);
    const together = start * view.zoom;
    return [Math.max(fits[0], together * ratio), Math.max(fits[1], together)];
  }

  /**
   * The view after zooming by `factor` with the place under the pointer kept where it is.
   * @param {View} view
   * @param {Size} pane
   * @param {0 | 1} index The pane zoomed in.
   * @param {Point} offset Pointer's distance from the pane's middle, screen px.
   * @param {number} factor
   * @returns {View}
   */
  zoomed(view, pane, index, offset, factor) {
    const before = this.framings(view, pane)[index];
    const at = shifted(before.centre, offset, 1 / before.scale);
    const zoom = Math.min(Math.max(view.zoom * factor, 1), MAX_ZOOM);
    const after = this.framings({ leading: index, centre: at, zoom }, pane)[index];
    const centre = shifted(at, offset, -1 / after.scale);
    return { leading: index, centre: held(centre, after.scale, this.images[index], pane), zoom };
  }

  /**
   * @param {View} view
   * @param {Size} pane
   * @param {0 | 1} index The pane that is dragged.
   * @param {Point} by Screen px that the picture moves.
   * @returns {View}
   */
  moved(view, pane, index, by) {
    const now = this.framings(view, pane)[index];
    const centre = shifted(now.centre, by, -1 / now.scale);
    return { leading: index, centre: held(centre, now.scale, this.images[index], pane), zoom: view.zoom };
  }

  /** @returns {View} Both pictures whole. */
  whole() {
    const { width, height } = this.images[1];
    return { leading: 1, centre: [width / 2 - 0.5, height / 2 - 0.5], zoom: 1 };
  }
}

/**
 * @param {Framing} framing
 * @param {Size & {x: number, y: number}} pane Where the pane lies on the canvas.
 * @param {Point} point Of the image.
 * @returns {Point} On the canvas.
 */
export function onCanvas(framing, pane, [x, y]) {
  return [
    pane.x + pane.width / 2 + (x - framing.centre[0]) * framing.scale,
    pane.y + pane.height / 2 + (y - framing.centre[1]) * framing.scale,
  ];
}
