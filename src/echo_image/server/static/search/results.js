// @ts-check
/** The results: proven matches, a line, and those that only look alike. */

import { thumbnailUrl } from "../shared/api.js";
import { button, copyText, element, icon, place, visible } from "../shared/dom.js";
import { formatBytes, formatDate, formatNumber, formatPercent, has, language, t } from "../shared/i18n.js";

/** @typedef {import("../shared/api.js").Match} Match */
/** @typedef {import("../shared/api.js").Change} Change */
/**
 * @typedef {{
 *   library: string, several: boolean, onWhy: (match: Match) => void, onSay: (text: string) => void,
 * }} Surroundings `several`: there are several libraries, so that an address has to name its own.
 */

/** Changes whose values are degrees; those of all others are per cent. */
const IN_DEGREES = new Set(["rotated_clockwise", "rotated_counter_clockwise"]);
/** @type {Set<string>} Matches whose other locations were unfolded, so that they stay so when anything is written anew. */
const unfolded = new Set();

/** @param {Match} match */
export function isProven(match) {
  return match.verdict !== "similar";
}

/**
 * @param {string} verdict
 * @returns {string}
 */
export function verdictText(verdict) {
  const key = `verdict.${verdict}`;
  return has(key) ? t(key) : verdict;
}

/**
 * @param {Match} match
 * @returns {number} Whole, rounded down: 100 is left to what is identical.
 */
export function shownScore(match) {
  const score = Math.floor(match.score);
  return match.verdict === "identical" ? score : Math.min(score, 99);
}

/**
 * @param {Match} match
 * @returns {string[]} What was done, in the language of the page.
 */
export function changeTexts(match) {
  const { changes, words } = match.transform;
  if (!changes) return language() === "en" ? words.map(visible) : [];
  // "Identical" is the verdict already.
  return changes.filter(({ code }) => code !== "identical" && has(`change.${code}`)).map(changeText);
}

/**
 * @param {Change} change
 * @returns {string}
 */
function changeText({ code, values }) {
  const [a = "", b = ""] = values.map((value) =>
    IN_DEGREES.has(code) ? formatNumber(value, { style: "unit", unit: "degree", unitDisplay: "narrow" }) : formatPercent(value),
  );
  return t(`change.${code}`, { a, b });
}

/**
 * @param {Match[]} matches To show, in their order.
 * @param {Surroundings} around
 * @returns {Node[]}
 */
export function resultLists(matches, around) {
  const proven = matches.filter(isProven);
  const alike = matches.filter((match) => !isProven(match));
  /** @type {Node[]} */
  const parts = [];
  if (proven.length) parts.push(list(proven, t("found.proven"), "proven", around));
  if (alike.length) {
    parts.push(
      element(
        "div",
        { class: "line" },
        element("h3", { text: t("found.line") }),
        element("p", { class: "hint", text: t("found.line_hint") }),
      ),
      list(alike, t("found.line"), "alike", around),
    );
  }
  return parts;
}

/**
 * @param {Match[]} matches
 * @param {string} name
 * @param {string} kind
 * @param {Surroundings} around
 * @returns {HTMLElement}
 */
function list(matches, name, kind, around) {
  return element(
    "ol",
    { class: `matches ${kind}`, "aria-label": name },
    ...matches.map((match) => card(match, around)),
  );
}

/**
 * @param {Match} match
 * @param {Surroundings} around
 * @returns {HTMLElement}
 */
function card(match, around) {
  const why = t(isProven(match) ? "match.why" : "match.why_not");
  const open = { click: () => around.onWhy(match) };
  const picture = element("img", {
    src: thumbnailUrl(match.id, around.library), alt: "", decoding: "async", loading: "lazy", ...thumbnailSize(match),
  });
  const thumb = element(
    "button",
    { type: "button", class: "thumb", "aria-label": `${why} ${visible(match.location)}`, on: open },
    picture,
  );
  picture.addEventListener("error", () => picture.replaceWith(icon("picture")));
  const changes = changeTexts(match);
  const body = element(
    "div",
    { class: "match-body" },
    head(match),
    changes.length ? element("ul", { class: "words" }, ...changes.map((text) => element("li", { text }))) : null,
    where(match, around),
    facts(match),
    element(
      "div",
      { class: "match-actions" },
      button(why, { class: "quiet why", on: open }),
      element("a", { class: "button quiet", href: againAddress(match, around), text: t("match.again") }),
    ),
  );
  return element("li", { class: "match", "data-id": match.id, "data-verdict": match.verdict }, thumb, body);
}

/**
 * @param {Match} match
 * @returns {{width?: number, height?: number}}
 */
function thumbnailSize({ image }) {
  return image ? { width: image.width, height: image.height } : {};
}

/**
 * @param {Match} match
 * @param {Surroundings} around
 * @returns {string}
 */
function againAddress(match, around) {
  const library = around.several && around.library ? `&library=${encodeURIComponent(around.library)}` : "";
  return `./?image=${match.id}${library}`;
}

/**
 * @param {Match} match
 * @returns {HTMLElement}
 */
function head(match) {
  const score = shownScore(match);
  const bar = element("span", { class: "bar", "aria-hidden": "true" });
  bar.style.setProperty("--score", String(score));
  const known = has(`verdict.${match.verdict}`);
  return element(
    "div",
    { class: "match-head" },
    element("h3", { class: `verdict verdict-${known ? match.verdict : "similar"}`, text: verdictText(match.verdict) }),
    element(
      "p",
      { class: "score" },
      element("span", { class: "visually-hidden", text: t("match.score", { score }) }),
      element("strong", { "aria-hidden": "true", text: formatNumber(score) }),
      bar,
    ),
  );
}

/**
 * @param {Match} match
 * @param {Surroundings} around
 * @returns {HTMLElement}
 */
function where(match, around) {
  const others = match.locations.filter((location) => location !== match.location);
  const block = element("div", { class: "where" }, spot(match.location, around));
  if (!others.length) return block;
  const listed = element("ul", {}, ...others.map((location) => element("li", {}, spot(location, around))));
  const folded = element(
    "details",
    { class: "others", open: unfolded.has(match.id) },
    element("summary", { text: t("match.others", { count: others.length }) }),
    listed,
  );
  folded.addEventListener("toggle", () => {
    if (folded.open) unfolded.add(match.id);
    else unfolded.delete(match.id);
  });
  block.append(folded);
  return block;
}

/**
 * @param {string} location
 * @param {Surroundings} around
 * @returns {HTMLElement} The place, and a button that copies it.
 */
function spot(location, around) {
  const copy = button(`${t("match.copy")}: ${visible(location)}`, { class: "quiet copy", icon: "copy", only: true });
  copy.addEventListener("click", async () => {
    if (!(await copyText(location))) {
      around.onSay(t("shell.copy_failed"));
      return;
    }
    around.onSay(t("match.copied"));
    copy.replaceChildren(icon("check"));
    setTimeout(() => copy.replaceChildren(icon("copy")), 1500);
  });
  return element("p", { class: "spot" }, place(location), copy);
}

/**
 * @param {Match} match
 * @returns {HTMLElement | null}
 */
function facts({ image }) {
  if (!image) return null;
  const size = t("match.size", { width: formatNumber(image.width), height: formatNumber(image.height) });
  const date = formatDate(image.added_at);
  const texts = [size, image.format, formatBytes(image.bytes), date && t("match.added", { date })];
  return element("ul", { class: "facts" }, ...texts.filter(Boolean).map((text) => element("li", { text })));
}
