// @ts-check
/**
 * Elements and text nodes. A location is whatever a stranger called a file or an address, so nothing here is ever
 * read as HTML.
 */

/** @typedef {Node | string | null | undefined | false} Child */
/**
 * @typedef {{
 *   class?: string, text?: string, on?: Record<string, (event: any) => void>,
 *   [attribute: string]: string | number | boolean | undefined | Record<string, (event: any) => void>,
 * }} About
 */

/** Characters that would be invisible or turn the reading direction of what follows. */
const UNSEEN = /[\p{Cc}\p{Cf}]/gu;
const SVG = "http://www.w3.org/2000/svg";

/** Line drawings on a grid of 24, by name. */
const ICONS = Object.freeze({
  camera: "M4 8h3l2-3h6l2 3h3v11H4zM12 16.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  crop: "M7 2v15h15M2 7h15v15",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  filter: "M4 6h16M7 12h10M10 18h4",
  folder: "M3 6h6l2 2h10v11H3z",
  globe: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  key: "M14 14a5 5 0 1 0-4-4L3 17v4h4v-3h3v-3z",
  light: "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M19 5l-2 2M7 17l-2 2",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
  paste: "M8 5H5v16h14V5h-3M8 3h8v4H8z",
  picture: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9.5h.01",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l5 5",
  system: "M3 5h18v11H3zM9 20h6M12 16v4",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  up: "M12 16V5M7 9l5-5 5 5M5 20h14",
  warning: "M12 4l9 16H3zM12 10v4M12 17h.01",
});

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T} The element of the page with that id.
 */
export function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${id}.`);
  return found;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {About} [about] `class`, `text`, listeners in `on`; anything else is an attribute (false: left out).
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function element(tag, about = {}, ...children) {
  const made = document.createElement(tag);
  const { class: className, text, on, ...attributes } = about;
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === undefined) continue;
    made.setAttribute(name, value === true ? "" : String(value));
  }
  for (const [name, listener] of Object.entries(on ?? {})) made.addEventListener(name, listener);
  made.append(.../** @type {(Node | string)[]} */ (children.filter((child) => child !== null && child !== undefined && child !== false)));
  return made;
}

/**
 * @param {keyof typeof ICONS} name
 * @returns {SVGElement} For the eye only; what it stands for is said in words beside it or in a label.
 */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", "icon");
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", ICONS[name]);
  drawing.append(path);
  return drawing;
}

/**
 * @param {string} label
 * @param {About & {icon?: keyof typeof ICONS, only?: boolean}} [about] `only`: the icon alone is seen.
 * @returns {HTMLButtonElement}
 */
export function button(label, about = {}) {
  const { icon: name, only, ...rest } = about;
  const made = element("button", { type: "button", ...rest, class: `button ${rest.class ?? "plain"}` });
  if (name) made.append(icon(name));
  if (only) made.setAttribute("aria-label", label);
  else made.append(element("span", { text: label }));
  if (only) made.classList.add("only");
  return made;
}

/**
 * @param {string} text
 * @returns {string} With a mark for every character that would not be seen or would turn the text around.
 */
export function visible(text) {
  return text.replace(UNSEEN, "\u{FFFD}");
}

/**
 * @param {string} location
 * @returns {URL | null} The web address that a location is, or null where it is anything else.
 */
export function webAddress(location) {
  let url;
  try {
    url = new URL(location);
  } catch {
    return null;
  }
  return url.protocol === "http:" || url.protocol === "https:" ? url : null;
}

/**
 * @param {string} location
 * @returns {HTMLElement} A link where the location is a web address, text where it is anything else.
 */
export function place(location) {
  const shown = element("bdi", { class: "place" });
  // A line breaks after a slash before it breaks inside a name.
  for (const step of visible(location).split(/(?<=[/\\])/)) shown.append(step, element("wbr"));
  const url = webAddress(location);
  if (!url) return shown;
  return element("a", { href: url.href, target: "_blank", rel: "noopener noreferrer nofollow" }, shown);
}

/**
 * @param {string} href
 * @returns {Promise<void>} Once the style sheet is applied; at once where it is there already.
 */
export function loadStyle(href) {
  const sheets = [...document.querySelectorAll('link[rel="stylesheet"]')];
  if (sheets.some((sheet) => sheet.getAttribute("href") === href)) return Promise.resolve();
  const link = element("link", { rel: "stylesheet", href });
  document.head.append(link);
  return new Promise((resolve, reject) => {
    link.addEventListener("load", () => resolve());
    link.addEventListener("error", () => reject(new Error(`${href} cannot be loaded.`)));
  });
}

/**
 * Copy to the clipboard, also where the page was not loaded over a safe connection.
 * @param {string} text
 * @returns {Promise<boolean>} Whether the browser allowed it.
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element("textarea", { class: "visually-hidden", "aria-hidden": "true" });
    field.value = text;
    const focused = document.activeElement;
    // What is outside a dialog cannot be selected while that is open.
    (document.querySelector("dialog[open]") ?? document.body).append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return copied;
  }
}
