// @ts-check
/** The address of a search: what was asked and how it is looked at, so that a reload, Back or a friend sees the same. */

/** @typedef {import("../shared/api.js").Query} Query */
/** @typedef {import("../shared/api.js").Region} Region */
/**
 * @typedef {"best" | "newest" | "largest" | "alike"} Sort
 * @typedef {{
 *   verdicts: string[], min: number, place: string, side: number, days: number, sort: Sort,
 * }} View Which results are shown, and in which order. `side`: px of the long side, at least; `days`: since added.
 * @typedef {{query: Query | null, library: string, region: Region | null, view: View}} Asked
 */

export const VERDICTS = Object.freeze(["identical", "copy", "edited", "part", "similar"]);
export const SORTS = /** @type {readonly Sort[]} */ (Object.freeze(["best", "newest", "largest", "alike"]));

const KEPT_ID = /^[0-9a-f]{32}$/;
const IMAGE_ID = /^[0-9a-f]{64}$/i;

/** @returns {View} Everything, the best first. */
export function everything() {
  return { verdicts: [], min: 0, place: "", side: 0, days: 0, sort: "best" };
}

/**
 * @param {View} view
 * @returns {boolean} Whether it leaves nothing out.
 */
export function showsEverything(view) {
  return !view.verdicts.length && !view.min && !view.place && !view.side && !view.days;
}

/**
 * @param {string} search The part of an address from its "?".
 * @returns {Asked} What cannot be read is left out.
 */
export function read(search) {
  const given = new URLSearchParams(search);
  const verdicts = (given.get("verdicts") ?? "").split(",").filter((verdict) => VERDICTS.includes(verdict));
  const sort = SORTS.find((name) => name === given.get("sort")) ?? "best";
  return {
    query: queryOf(given),
    library: given.get("library") ?? "",
    region: regionOf(given.get("region") ?? ""),
    view: {
      verdicts,
      sort,
      min: whole(given.get("min"), 100),
      place: given.get("place") ?? "",
      side: whole(given.get("side"), 1_000_000),
      days: whole(given.get("days"), 36_500),
    },
  };
}

/**
 * @param {URLSearchParams} given
 * @returns {Query | null}
 */
function queryOf(given) {
  const [kept, url, image] = [given.get("q"), given.get("url"), given.get("image")];
  if (kept && KEPT_ID.test(kept)) return { kind: "kept", id: kept };
  if (url) return { kind: "url", url };
  if (image && IMAGE_ID.test(image)) return { kind: "image", id: image.toLowerCase() };
  return null;
}

/**
 * @param {string} text
 * @returns {Region | null}
 */
function regionOf(text) {
  if (!/^\d{1,6},\d{1,6},\d{1,6},\d{1,6}$/.test(text)) return null;
  const [x = 0, y = 0, width = 0, height = 0] = text.split(",").map(Number);
  return width && height ? [x, y, width, height] : null;
}

/**
 * @param {string | null} text
 * @param {number} most
 * @returns {number}
 */
function whole(text, most) {
  const value = /^\d{1,7}$/.test(text ?? "") ? Number(text) : 0;
  return Math.min(value, most);
}

/**
 * @param {Asked} asked
 * @returns {string} Relative to the page; a file that is kept nowhere has no address of its own.
 */
export function write({ query, library, region, view }) {
  const made = new URLSearchParams();
  if (query?.kind === "kept") made.set("q", query.id);
  if (query?.kind === "url") made.set("url", query.url);
  if (query?.kind === "image") made.set("image", query.id);
  if (library) made.set("library", library);
  if (region) made.set("region", region.join(","));
  if (view.verdicts.length) made.set("verdicts", view.verdicts.join(","));
  for (const name of /** @type {const} */ (["min", "place", "side", "days"])) {
    if (view[name]) made.set(name, String(view[name]));
  }
  if (view.sort !== "best") made.set("sort", view.sort);
  const text = made.toString().replaceAll("%2C", ",");
  return text ? `./?${text}` : "./";
}
