// @ts-check
/** What stands in place of results: waiting, nothing found, too little detail, an error and what to do about it. */

import { ServiceError } from "../shared/api.js";
import { button, element, icon } from "../shared/dom.js";
import { t } from "../shared/i18n.js";
import { failure } from "../shared/shell.js";

/** Seconds to wait where a busy service names none, and the most that it may ask for. */
const WAIT = 3;
const LONGEST_WAIT = 120;

/** @returns {HTMLElement} Places where the results will stand, of their size. */
export function waiting() {
  const row = () =>
    element(
      "li",
      { class: "match" },
      element("span", { class: "thumb ghost" }),
      element(
        "div",
        { class: "match-body" },
        element("span", { class: "ghost bone bone-head" }),
        element("span", { class: "ghost bone" }),
        element("span", { class: "ghost bone bone-short" }),
      ),
    );
  return element("ol", { class: "matches ghosts", "aria-hidden": "true" }, row(), row(), row());
}

/**
 * @param {string} title
 * @param {string} hint
 * @param {...Node} actions
 * @returns {HTMLElement}
 */
export function nothing(title, hint, ...actions) {
  return element(
    "div",
    { class: "none" },
    icon("search"),
    element("p", { class: "none-title", text: title }),
    element("p", { class: "hint", text: hint }),
    actions.length ? element("div", { class: "actions" }, ...actions) : null,
  );
}

/** @returns {HTMLElement} Above the few results of a query that has too little to go by. */
export function littleDetail() {
  return element(
    "div",
    { class: "notice" },
    icon("warning"),
    element(
      "div",
      {},
      element("p", { class: "notice-title", text: t("found.detail_title") }),
      element("p", { text: t("found.detail_hint") }),
    ),
  );
}

/**
 * An error and its way out. A busy service is asked again when it said, in plain sight, unless that is called off.
 * @param {unknown} error
 * @param {{kept: boolean, again: () => void}} about `kept`: the query was a kept one, `again` searches again.
 * @returns {HTMLElement & {stop?: () => void}}
 */
export function searchFailure(error, { kept, again }) {
  const retry = (/** @type {string} */ label) => button(label, { id: "retry", on: { click: again } });
  if (!(error instanceof ServiceError)) return failure(error, retry(t("shell.retry")));
  const { code, status } = error;
  if (kept && code === "not_found") return nothing(t("found.gone_title"), t("found.gone_hint"));
  if (code === "overloaded" || status === 503 && error.retryAfter !== null || status === 429) return busy(error, again);
  if (status === 401) return failure(error, retry(t("found.enter_key")));
  const lasting = [400, 403, 404, 413, 415, 422].includes(status);
  return lasting ? failure(error) : failure(error, retry(t("shell.retry")));
}

/**
 * @param {ServiceError} error
 * @param {() => void} again
 * @returns {HTMLElement & {stop?: () => void}}
 */
function busy(error, again) {
  let left = Math.min(Math.max(error.retryAfter ?? WAIT, 1), LONGEST_WAIT);
  // Seconds that are counted aloud would drown everything else.
  const counting = element("p", { class: "countdown", id: "countdown", "aria-hidden": "true" });
  const write = () => {
    counting.textContent = t("found.retry_in", { count: left });
  };
  const timer = window.setInterval(() => {
    left -= 1;
    write();
    if (left > 0) return;
    stop();
    again();
  }, 1000);
  const stop = () => clearInterval(timer);
  const now = button(t("found.retry_now"), { id: "retry", on: { click: () => { stop(); again(); } } });
  const cancel = button(t("shell.cancel"), {
    id: "retry-cancel", class: "quiet",
    on: { click: () => { stop(); counting.hidden = true; cancel.hidden = true; now.focus(); } },
  });
  write();
  const made = /** @type {HTMLElement & {stop?: () => void}} */ (failure(error, now, cancel));
  made.classList.add("busy");
  made.querySelector(".actions")?.before(counting);
  made.stop = stop;
  return made;
}
