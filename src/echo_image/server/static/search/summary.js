// @ts-check
/** A search in a few words: above the results, for those who hear the page, and before there is one. */

import { element } from "../shared/dom.js";
import { formatList, t } from "../shared/i18n.js";
import { isProven, shownScore, verdictText } from "./results.js";
import { nothing } from "./states.js";
import * as shell from "../shared/shell.js";

/** @typedef {import("../shared/api.js").Match} Match */

/**
 * @param {Match[]} passed
 * @returns {string} Such as "3 matches, 2 look-alikes".
 */
export function summary(passed) {
  const proven = passed.filter(isProven).length;
  const alike = passed.length - proven;
  const texts = [];
  if (proven || !alike) texts.push(t("found.matches", { count: proven }));
  if (alike) texts.push(t("found.alike", { count: alike }));
  return formatList(texts);
}

/**
 * @param {{error: unknown, answer: import("../shared/api.js").Answer | null, passed: Match[]}} search
 * @returns {string} One sentence or two for those who hear the page.
 */
export function spoken({ error, answer, passed }) {
  if (error) {
    const { title, hint } = shell.errorText(error);
    return `${title} ${hint}`;
  }
  const [best] = passed;
  const little = answer?.note ? `${t("found.detail_title")}. ` : "";
  if (!best) return little || t(answer?.matches.length ? "found.filtered_title" : "found.none_title");
  const told = t("found.best", { verdict: verdictText(best.verdict), score: shownScore(best) });
  return `${little}${summary(passed)}. ${told}`;
}

/** @returns {HTMLElement[]} What there is to be searched, or that there is nothing yet. */
export function holdings() {
  const images = shell.libraryInfo()?.images;
  if (images === undefined) return [];
  if (images) return [element("p", { class: "hint", text: t("search.holds", { count: images }) })];
  const name = shell.severalLibraries() ? `?library=${encodeURIComponent(shell.library())}` : "";
  const add = element("a", { class: "button", href: `library${name}`, text: t("search.add_images") });
  return [nothing(t("search.empty_title"), t("search.empty_hint"), add)];
}
