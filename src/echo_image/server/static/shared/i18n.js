// @ts-check
/**
 * The language of the page: texts by key, plural forms, and numbers, sizes and dates as the language writes them.
 *
 * A part of the page (`shell`, `search` …) has one file for each language, `languages/<code>/<part>.js`, whose
 * default export maps keys to texts. `{name}` stands for a value. A text that depends on a number is an object of
 * plural forms, chosen by `count`.
 */

/** @typedef {string | {one?: string, few?: string, many?: string, other: string}} Text */
/** @typedef {Record<string, Text>} Texts */
/** @typedef {Record<string, string | number>} Values */

/** Code → the language's own name for itself. */
export const LANGUAGES = Object.freeze({
  en: "English",
  de: "Deutsch",
  ru: "Русский",
  ja: "日本語",
  ko: "한국어",
  zh: "中文",
});

const STORED = "echo-image.language";
/** @type {Map<string, Text>} */
const texts = new Map();
/** @type {Set<string>} */
const parts = new Set();
/** @type {Set<() => void>} */
const listeners = new Set();
let current = preferred();

/** @returns {string} The language chosen by hand, else the browser's first that there is, else English. */
function preferred() {
  for (const wanted of [stored(STORED), ...navigator.languages]) {
    const code = (wanted ?? "").toLowerCase().split("-")[0] ?? "";
    if (code in LANGUAGES) return code;
  }
  return "en";
}

/**
 * @param {string} name
 * @returns {string | null} What was stored; null also where storage is not allowed.
 */
export function stored(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/**
 * @param {string} name
 * @param {string} value
 */
export function store(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // Not allowed: the choice holds until the page is closed.
  }
}

/**
 * Load the texts of these parts of the page in the current language.
 * @param {...string} names
 */
export async function load(...names) {
  for (const name of names) parts.add(name);
  await fetchTexts(names, current);
  document.documentElement.lang = current === "zh" ? "zh-Hans" : current;
}

/**
 * @param {string[]} names
 * @param {string} code
 */
async function fetchTexts(names, code) {
  const loaded = await Promise.all(names.map((name) => import(`../languages/${code}/${name}.js`)));
  for (const module of loaded) {
    for (const [key, text] of Object.entries(/** @type {Texts} */ (module.default))) texts.set(key, text);
  }
}

/**
 * @param {string} key
 * @param {Values} [values]
 * @returns {string}
 */
export function t(key, values = {}) {
  const found = texts.get(key);
  if (found === undefined) {
    console.error(`The page has no text ${key} in ${current}.`);
    return key;
  }
  return filled(found, values);
}

/**
 * @param {string} key
 * @returns {boolean} Whether there is a text of that key.
 */
export function has(key) {
  return texts.has(key);
}

/**
 * @param {Text} text
 * @param {Values} values
 * @returns {string}
 */
function filled(text, values) {
  let form = text;
  if (typeof form !== "string") {
    const rule = new Intl.PluralRules(current).select(Number(values["count"] ?? 0));
    form = form[/** @type {"one" | "few" | "many" | "other"} */ (rule)] ?? form.other;
  }
  return form.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    if (value === undefined) return whole;
    return typeof value === "number" ? formatNumber(value) : value;
  });
}

/** @returns {string} Such as "en". */
export function language() {
  return current;
}

/**
 * Change the language; everything that is shown is written anew by whoever asked to be told.
 * @param {string} code
 */
export async function setLanguage(code) {
  if (!(code in LANGUAGES)) return;
  await fetchTexts([...parts], code);
  current = code;
  store(STORED, code);
  document.documentElement.lang = code === "zh" ? "zh-Hans" : code;
  translate(document);
  for (const listener of listeners) listener();
}

/**
 * Be told, after the texts of a newly chosen language are there.
 * @param {() => void} listener
 */
export function onLanguage(listener) {
  listeners.add(listener);
}

/**
 * Write the texts of all elements that name one: `data-t` for the text, `data-t-label` for `aria-label`,
 * `data-t-placeholder` for `placeholder`.
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const found of root.querySelectorAll("[data-t], [data-t-label], [data-t-placeholder]")) {
    const { t: text, tLabel, tPlaceholder } = /** @type {HTMLElement} */ (found).dataset;
    if (text) found.textContent = t(text);
    if (tLabel) found.setAttribute("aria-label", t(tLabel));
    if (tPlaceholder) found.setAttribute("placeholder", t(tPlaceholder));
  }
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 * @returns {string}
 */
export function formatNumber(value, options) {
  return new Intl.NumberFormat(current, options).format(value);
}

/**
 * @param {number} percent 0–100.
 * @param {number} [digits] After the point, at most.
 * @returns {string}
 */
export function formatPercent(percent, digits = 0) {
  return formatNumber(percent / 100, { style: "percent", maximumFractionDigits: digits });
}

/**
 * @param {number} bytes
 * @returns {string} Such as "1.4 MB".
 */
export function formatBytes(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const maximumFractionDigits = unit > 0 && value < 10 ? 1 : 0;
  // Short, English writes "900 byte".
  const unitDisplay = unit ? "short" : "long";
  return formatNumber(value, { style: "unit", unit: units[unit] ?? "byte", unitDisplay, maximumFractionDigits });
}

/**
 * @param {string | number | Date} date
 * @param {Intl.DateTimeFormatOptions} [options] The day, where left out.
 * @returns {string}
 */
export function formatDate(date, options = { dateStyle: "medium" }) {
  const read = new Date(date);
  return Number.isNaN(read.getTime()) ? "" : new Intl.DateTimeFormat(current, options).format(read);
}

/**
 * @param {string[]} words
 * @returns {string} As the language lists them.
 */
export function formatList(words) {
  return new Intl.ListFormat(current, { type: "unit", style: "short" }).format(words);
}
