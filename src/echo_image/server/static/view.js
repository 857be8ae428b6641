// @ts-check
/**
 * What the page shows, made of elements and text nodes only: a location is whatever a stranger called a file or an
 * address, so nothing here is ever read as HTML.
 */

import { ServiceError, thumbnailUrl } from "./api.js";

/** @typedef {import("./api.js").Match} Match */
/** @typedef {import("./api.js").Answer} Answer */

/** @type {Record<string, string>} */
const VERDICTS = {
  identical: "The same picture",
  copy: "A copy",
  edited: "An edited copy",
  part: "Shares a part",
  similar: "Looks alike",
};

/** Characters that would be invisible or turn the reading direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}]/gu;

/**
 * @param {string} tag
 * @param {{class?: string, text?: string}} [about]
 * @param {...(Node | string)} children
 * @returns {HTMLElement}
 */
export function element(tag, about = {}, ...children) {
  const made = document.createElement(tag);
  if (about.class) made.className = about.class;
  if (about.text !== undefined) made.textContent = about.text;
  made.append(...children);
  return made;
}

/**
 * @param {string} text
 * @returns {string}
 */
export function visible(text) {
  return text.replace(UNSEEN, "\u{FFFD}");
}

/**
 * @param {string} location
 * @returns {HTMLElement} A link where the location is a web address, text where it is anything else.
 */
function place(location) {
  const shown = element("bdi", { class: "place", text: visible(location) });
  let url;
  try {
    url = new URL(location);
  } catch {
    return shown;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") return shown;
  const link = document.createElement("a");
  link.href = url.href;
  link.target = "_blank";
  link.rel = "noopener noreferrer nofollow";
  link.append(shown);
  return link;
}

/**
 * @param {Match} match
 * @param {string} library
 * @param {(match: Match) => void} onEvidence
 * @returns {HTMLElement}
 */
function card(match, library, onEvidence) {
  const verdict = VERDICTS[match.verdict] ?? match.verdict;
  const small = document.createElement("img");
  small.src = thumbnailUrl(match.id, library);
  small.alt = "";
  small.decoding = "async";
  const button = /** @type {HTMLButtonElement} */ (element("button", { class: "thumb" }, small));
  button.type = "button";
  const offer = match.verdict === "similar" ? "Compare" : "Show why";
  button.append(element("span", { class: "thumb-word", text: offer }));
  button.setAttribute("aria-label", `${offer}: match ${match.rank}, ${verdict.toLowerCase()}`);
  button.addEventListener("click", () => onEvidence(match));

  const score = Math.floor(match.score);
  const bar = element("span", { class: "bar" });
  bar.style.setProperty("--score", String(score));
  const head = element(
    "div",
    { class: "match-head" },
    element("h3", { class: `verdict verdict-${match.verdict in VERDICTS ? match.verdict : "similar"}`, text: verdict }),
    element(
      "p",
      { class: "score" },
      element("strong", { text: String(score) }),
      element("span", { class: "of", text: " of 100" }),
      bar,
    ),
  );
  const words = match.transform.words;
  const changes = element("ul", { class: "words" }, ...words.map((word) => element("li", { text: visible(word) })));
  const body = element("div", { class: "match-body" }, head);
  if (words.length) body.append(changes);
  body.append(element("p", { class: "where" }, place(match.location)));
  const others = match.locations.filter((location) => location !== match.location);
  if (others.length) body.append(otherPlaces(others));
  return element("li", { class: "match" }, button, body);
}

/**
 * @param {string[]} locations
 * @returns {HTMLElement}
 */
function otherPlaces(locations) {
  const count = locations.length;
  return element(
    "details",
    { class: "others" },
    element("summary", { text: count === 1 ? "1 other place" : `${count} other places` }),
    element("ul", {}, ...locations.map((location) => element("li", {}, place(location)))),
  );
}

/**
 * @param {Answer} answer
 * @param {string} library
 * @param {(match: Match) => void} onEvidence
 * @returns {Node[]} Proven matches, a line, and those that only look alike.
 */
export function matchLists(answer, library, onEvidence) {
  const proven = answer.matches.filter((match) => match.verdict !== "similar");
  const alike = answer.matches.filter((match) => match.verdict === "similar");
  /** @param {Match[]} matches @param {string} name */
  const list = (matches, name) => {
    const made = element("ol", { class: "matches" }, ...matches.map((match) => card(match, library, onEvidence)));
    made.setAttribute("aria-label", name);
    return made;
  };
  /** @type {Node[]} */
  const parts = [];
  const { note } = answer;
  if (note) parts.push(element("p", { class: "notice", text: sentence(note) }));
  if (proven.length) parts.push(list(proven, "Proven matches"));
  else if (alike.length) parts.push(element("p", { class: "none", text: "No image is proven to show the same thing." }));
  else if (!note) parts.push(nothing());
  if (alike.length) {
    parts.push(element("p", { class: "line" }, element("span", { text: "Looks alike, but nothing is proven" })));
    parts.push(list(alike, "Images that look alike"));
  }
  return parts;
}

/** @returns {HTMLElement} */
function nothing() {
  return element(
    "div",
    { class: "none" },
    element("p", { text: "Nothing found." }),
    element("p", { class: "hint", text: "No image of this library shows the same thing, whole or in part." }),
  );
}

/**
 * @param {string} text
 * @returns {string}
 */
function sentence(text) {
  const shown = visible(text);
  return shown.charAt(0).toUpperCase() + shown.slice(1) + (/[.!?]$/.test(shown) ? "" : ".");
}

/**
 * @param {unknown} error
 * @returns {HTMLElement}
 */
export function failure(error) {
  const known = error instanceof ServiceError;
  const made = element(
    "div",
    { class: "failure" },
    element("p", { class: "failure-message", text: visible(known ? error.message : "The page failed.") }),
  );
  const hint = known ? error.hint : String(error);
  if (hint) made.append(element("p", { class: "hint", text: visible(hint) }));
  if (known && error.requestId) made.append(element("p", { class: "request-id", text: `Request ${error.requestId}` }));
  return made;
}

/** @returns {HTMLElement} Places where the matches will stand. */
export function waiting() {
  const row = () =>
    element("li", { class: "match ghost" }, element("span", { class: "thumb" }), element("div", { class: "match-body" }));
  const list = element("ol", { class: "matches" }, row(), row(), row());
  list.setAttribute("aria-hidden", "true");
  return list;
}

/**
 * @param {Answer} answer
 * @returns {string} One sentence for those who hear the page.
 */
export function summary(answer) {
  const proven = answer.matches.filter((match) => match.verdict !== "similar").length;
  if (!answer.matches.length) return sentence(answer.note || "Nothing found");
  if (!proven) return "Nothing proven; some images look alike.";
  const best = answer.matches[0];
  const verdict = (VERDICTS[best.verdict] ?? best.verdict).toLowerCase();
  return `${proven === 1 ? "1 match" : `${proven} matches`}. The best: ${verdict}, score ${Math.floor(best.score)}.`;
}
