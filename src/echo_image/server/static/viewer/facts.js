// @ts-check
/** What the proof viewer says in words: what was done, the numbers with a sentence each, and why it is no match. */

import { element } from "../shared/dom.js";
import { formatNumber, formatPercent, has, t } from "../shared/i18n.js";

/** @typedef {import("../shared/api.js").Change} Change */
/** @typedef {import("../shared/api.js").Match} Match */
/** @typedef {import("../shared/api.js").Explanation} Explanation */

/** What the numbers of a code are, in the order in which the service sends them. */
/** @type {Record<string, string[]>} */
const REASONS = {
  same_bytes: [],
  points_agree: ["count"],
  looks_same: ["percent"],
  hash_close: ["count"],
  no_mapping: [],
  few_points: ["found", "count"],
  on_one_line: [],
  repeats: [],
  looks_different: ["percent", "needed"],
  colours_apart: [],
  hash_far: ["bits", "needed"],
  weak: ["score", "needed"],
  too_little_detail: [],
};
/** @type {Record<string, string[]>} */
const CHANGES = {
  identical: [],
  re_encoded: [],
  mirrored: [],
  rotated_180: [],
  rotated_clockwise: ["degrees"],
  rotated_counter_clockwise: ["degrees"],
  cropped: ["percent"],
  inside_larger: ["percent"],
  shares: ["percent", "ofQuery"],
  perspective: [],
  stretched: ["percent"],
  reduced: ["percent"],
  enlarged: ["percent"],
  colours_inverted: [],
  made_grey: [],
  coloured: [],
  brighter: [],
  darker: [],
  colours_changed: [],
  blurred: [],
  sharper_or_noisier: [],
  covered: [],
};
const SHARES = new Set(["percent", "ofQuery"]);

/**
 * @param {string} prefix Of the keys.
 * @param {Record<string, string[]>} known
 * @param {Change} change
 * @returns {string} A sentence, or nothing for a code that this page does not know.
 */
function worded(prefix, known, { code, values }) {
  const key = `${prefix}.${code}`;
  const names = known[code];
  if (!names || !has(key)) return "";
  /** @type {Record<string, string | number>} */
  const filled = {};
  names.forEach((name, index) => {
    const value = Number(values[index] ?? 0);
    const share = SHARES.has(name) || (code === "looks_different" && name === "needed");
    filled[name] = share ? formatPercent(value) : value;
  });
  return t(key, filled);
}

/**
 * @param {Match} match
 * @returns {HTMLElement | null} What was done to the image, a line each.
 */
export function changeList(match) {
  const lines = (match.transform.changes ?? []).map((change) => worded("viewer.change", CHANGES, change));
  const told = lines.filter(Boolean);
  if (!told.length) return null;
  return element(
    "section",
    { class: "viewer-told" },
    element("h3", { text: t("viewer.done") }),
    element("ul", { class: "viewer-list" }, ...told.map((line) => element("li", { text: line }))),
  );
}

/**
 * @param {Explanation} explanation
 * @returns {HTMLElement | null} Why it is a match, or kindly why it is none.
 */
export function reasonList(explanation) {
  const proven = explanation.match.verdict !== "similar";
  const told = explanation.reasons.map((reason) => worded("viewer.reason", REASONS, reason)).filter(Boolean);
  if (!told.length && proven) return null;
  return element(
    "section",
    { class: proven ? "viewer-told" : "viewer-told viewer-why-not" },
    element("h3", { text: t(proven ? "viewer.why" : "viewer.why_not") }),
    proven ? null : element("p", { text: t("viewer.why_not_lead") }),
    element("ul", { class: "viewer-list" }, ...told.map((line) => element("li", { text: line }))),
  );
}

/**
 * @param {Explanation} explanation
 * @returns {HTMLElement} Each number with what it means.
 */
export function numberList(explanation) {
  const { match } = explanation;
  const three = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
  /** @type {[string, string][]} */
  const rows = [
    ["score", formatNumber(Math.floor(match.score))],
    ["similarity", formatNumber(Math.round(match.similarity))],
    ["ssim", formatNumber(match.ssim, three)],
    ["orb", formatPercent(match.orb * 100)],
    ["inliers", formatNumber(match.inliers)],
    ["query_overlap", formatPercent(match.query_overlap * 100)],
    ["match_overlap", formatPercent(match.match_overlap * 100)],
  ];
  const list = element("dl", { class: "viewer-numbers" });
  for (const [name, value] of rows) {
    list.append(
      element(
        "div",
        {},
        element("dt", {}, element("span", { text: t(`viewer.number.${name}`) }), element("strong", { text: value })),
        element("dd", { text: t(`viewer.number.${name}.means`) }),
      ),
    );
  }
  return element("section", { class: "viewer-told" }, element("h3", { text: t("viewer.numbers") }), list);
}

/** @returns {HTMLElement} The keys, folded away. */
export function keyList() {
  /** @type {[string, string][]} */
  const rows = [
    ["+ −", "zoom"],
    ["0", "whole"],
    ["← ↑ → ↓", "pan"],
    ["N P", "lines"],
    ["⇧ ← →", "other"],
    ["Esc", "close"],
  ];
  const list = element("dl", { class: "viewer-keys" });
  for (const [keys, name] of rows) {
    list.append(
      element(
        "div",
        {},
        element("dt", {}, ...keys.split(" ").map((key) => element("kbd", { text: key }))),
        element("dd", { text: t(`viewer.key.${name}`) }),
      ),
    );
  }
  return element("details", { class: "viewer-help" }, element("summary", { text: t("viewer.keys") }), list);
}
