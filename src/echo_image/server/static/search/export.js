// @ts-check
/** The results as a file: JSON for programs, CSV (RFC 4180) for spreadsheets. */

import { element } from "../shared/dom.js";

/** @typedef {import("../shared/api.js").Match} Match */

/** A spreadsheet would compute what begins so; it is shown as text instead, also in its full-width forms. */
const FORMULA = /^[\s\u{FEFF}]*[=+\-@\u{FF1D}\u{FF0B}\u{FF0D}\u{FF20}]|^[\t\r\n]/u;

const COLUMNS = /** @type {const} */ ([
  "rank", "verdict", "score", "similarity", "location", "other_locations", "changes", "width", "height", "format",
  "bytes", "added_at", "id",
]);

/**
 * @param {Match[]} matches
 * @returns {string} One row for each, with a heading; lines end in CR LF.
 */
export function csv(matches) {
  const rows = matches.map((match) => {
    const { image, transform } = match;
    const changes = transform.changes?.map(({ code, values }) => [code, ...values].join(" ")) ?? transform.words;
    /** @type {Record<typeof COLUMNS[number], string | number | undefined>} */
    const row = {
      rank: match.rank,
      verdict: match.verdict,
      score: match.score,
      similarity: match.similarity,
      location: match.location,
      other_locations: match.locations.filter((location) => location !== match.location).join("\n"),
      changes: changes.join("; "),
      width: image?.width,
      height: image?.height,
      format: image?.format,
      bytes: image?.bytes,
      added_at: image?.added_at,
      id: match.id,
    };
    return COLUMNS.map((name) => cell(row[name])).join(",");
  });
  return [COLUMNS.join(","), ...rows, ""].join("\r\n");
}

/**
 * @param {string | number | undefined} value
 * @returns {string}
 */
function cell(value) {
  if (value === undefined) return "";
  if (typeof value === "number") return String(value);
  const safe = FORMULA.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * @param {Match[]} matches
 * @param {object} query What was searched for.
 * @returns {string}
 */
export function json(matches, query) {
  return `${JSON.stringify({ query, matches }, null, 2)}\n`;
}

/**
 * Hand a text to the user as a file.
 * @param {string} text
 * @param {string} name
 * @param {string} type
 */
export function save(text, name, type) {
  // Without the mark, spreadsheets read the bytes in the code page of the machine.
  const mark = type === "text/csv" ? "\u{FEFF}" : "";
  const url = URL.createObjectURL(new Blob([mark, text], { type: `${type};charset=utf-8` }));
  element("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
