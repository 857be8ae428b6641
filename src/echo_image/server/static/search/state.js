// @ts-check
/** The search that is shown: what was asked, what was answered, and how it is asked of the service. */

import * as api from "../shared/api.js";
import * as filters from "./filters.js";
import * as address from "./address.js";
import * as shell from "../shared/shell.js";

/**
 * @typedef {import("../shared/api.js").Query} Query
 * @typedef {import("../shared/api.js").Match} Match
 * @typedef {import("../shared/api.js").Region} Region
 */

/** Results shown at first. */
export const FIRST = 5;
/** Matches asked for at first: enough to filter, few enough to be quick. */
export const FETCHED = 20;

/** The search that is shown. */
export const now = {
  query: /** @type {Query | null} */ (null),
  /** Id under which the service kept the query; searching by it sends nothing twice. */
  keptId: "",
  region: /** @type {Region | null} */ (null),
  view: address.everything(),
  limit: FETCHED,
  answer: /** @type {api.Answer | null} */ (null),
  /** What the service found with the filters, where its first answer did not hold all there is. */
  narrowed: /** @type {Match[] | null} */ (null),
  error: /** @type {unknown} */ (null),
  shown: FIRST,
  filtersOpen: false,
};

/** @returns {string} */
export function currentAddress() {
  const { query, keptId, region, view } = now;
  const addressed = query?.kind === "file" && keptId ? { kind: /** @type {const} */ ("kept"), id: keptId } : query;
  return address.write({ query: addressed, region, view, library: shell.severalLibraries() ? shell.library() : "" });
}

/** @returns {Query} */
export function source() {
  if (now.keptId) return { kind: "kept", id: now.keptId };
  if (!now.query) throw new Error("Nothing is searched for.");
  return now.query;
}

/**
 * @param {api.SearchOptions} more
 * @param {AbortSignal} signal
 * @returns {Promise<api.Answer>}
 */
export async function ask(more, signal) {
  const asked = source();
  const options = {
    limit: Math.min(now.limit, shell.about()?.limits.max_search_limit ?? FETCHED),
    region: now.region, library: shell.library(), ...more,
  };
  try {
    return await api.search(asked, asked.kind === "kept" ? options : { ...options, keep: true }, signal);
  } catch (error) {
    // The service keeps queries for a while only; what was given here is still here.
    const gone = error instanceof api.ServiceError && error.code === "not_found" && now.keptId !== "";
    if (!gone || now.query?.kind === "kept") throw error;
    now.keptId = "";
    return ask(more, signal);
  }
}

/** @returns {boolean} Whether the first answer holds all that the service finds. */
export function isWhole() {
  return now.answer !== null && now.answer.matches.length < now.limit;
}

/** @returns {Match[]} What passes the filters, in order. */
export function passing() {
  return filters.apply(now.narrowed ?? now.answer?.matches ?? [], now.view);
}
