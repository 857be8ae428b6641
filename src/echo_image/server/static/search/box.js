// @ts-check
/** The box that takes everything: a file, a photograph, the clipboard, an address, what is dragged from anywhere. */

import { icon, part } from "../shared/dom.js";
import { t } from "../shared/i18n.js";

/** @typedef {import("../shared/api.js").Query} Query */

const THUMBNAIL = /\/api\/v1\/images\/([0-9a-f]{64})\/thumbnail$/i;
const DATA_IMAGE = /^data:(image\/[\w.+-]+);base64,([A-Za-z0-9+/=\s]+)$/i;

/**
 * Listen to every way in.
 * @param {(query: Query) => void} onQuery
 */
export function listen(onQuery) {
  for (const place of document.querySelectorAll("[data-icon]")) {
    place.replaceWith(icon(/** @type {any} */ (/** @type {HTMLElement} */ (place).dataset["icon"])));
  }
  /** @param {Query | null} query @param {string} problem @param {Event} [event] */
  const take = (query, problem, event) => {
    if (query || problem) event?.preventDefault();
    say(query ? "" : problem);
    if (query) onQuery(query);
  };
  listenToFiles(take);
  listenToAddress(take);
  listenToClipboard(take);
  listenToDrops(take);
}

/** @typedef {(query: Query | null, problem: string, event?: Event) => void} Take */

/**
 * Show what is wrong with what was given; nothing where all is well.
 * @param {string} problem
 */
export function say(problem) {
  part("box-problem", HTMLElement).textContent = problem;
}

/** @param {Take} take */
function listenToFiles(take) {
  for (const id of ["file", "camera"]) {
    const input = part(id, HTMLInputElement);
    input.addEventListener("change", () => {
      const chosen = input.files?.[0];
      if (chosen) take({ kind: "file", file: chosen }, "");
      input.value = ""; // the same file may be chosen again, after it was changed
    });
  }
  part("camera-way", HTMLElement).hidden = !matchMedia("(pointer: coarse)").matches;
}

/** @param {Take} take */
function listenToAddress(take) {
  const field = part("url", HTMLInputElement);
  part("box", HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    const query = ofText(field.value);
    take(query, t("search.url_bad"));
    field.setAttribute("aria-invalid", String(!query));
    if (!query) field.focus();
  });
  field.addEventListener("input", () => {
    field.removeAttribute("aria-invalid");
    say("");
  });
}

/** @param {Take} take */
function listenToClipboard(take) {
  document.addEventListener("paste", (event) => {
    const query = event.clipboardData && ofTransfer(event.clipboardData);
    // Text that is no address belongs into the field that has the focus.
    if (!query && event.target instanceof HTMLInputElement) return;
    take(query, t("search.not_an_image"), event);
  });
  const paste = part("paste", HTMLButtonElement);
  paste.hidden = !navigator.clipboard?.read;
  paste.addEventListener("click", async () => {
    try {
      take(await ofClipboard(await navigator.clipboard.read()), t("search.clipboard_empty"));
    } catch {
      const keys = /Mac|iP/.test(navigator.platform) ? "⌘V" : "Ctrl+V";
      take(null, t("search.clipboard_denied", { keys }));
    }
  });
}

/** @param {Take} take */
function listenToDrops(take) {
  const veil = part("veil", HTMLElement);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    if (document.querySelector("dialog[open]")) return;
    veil.hidden = false;
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) veil.hidden = true;
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    veil.hidden = true;
    take(event.dataTransfer && ofTransfer(event.dataTransfer), t("search.not_an_image"));
  });
}

/**
 * @param {readonly ClipboardItem[]} items
 * @returns {Promise<Query | null>}
 */
async function ofClipboard(items) {
  for (const item of items) {
    const type = item.types.find((name) => name.startsWith("image/"));
    if (type) return { kind: "file", file: new File([await item.getType(type)], "", { type }) };
  }
  for (const item of items) {
    if (!item.types.includes("text/plain")) continue;
    const query = ofText(await (await item.getType("text/plain")).text());
    if (query) return query;
  }
  return null;
}

/**
 * @param {DataTransfer} data
 * @returns {Query | null} The image in what was dropped or pasted, or the first web address.
 */
export function ofTransfer(data) {
  const shown = ofMarkup(data.getData("text/html"));
  if (shown?.kind === "image") return shown; // a result or an image of the library, dragged here
  const files = [...data.files];
  const file = files.find((one) => one.type.startsWith("image/")) ?? files[0];
  if (file) return { kind: "file", file };
  if (shown) return shown;
  const listed = data.getData("text/uri-list").split(/\r?\n/).find((line) => line && !line.startsWith("#"));
  return ofText(listed ?? "") ?? ofText(data.getData("text/plain"));
}

/**
 * @param {string} markup What another page says of the image that is dragged from it.
 * @returns {Query | null}
 */
function ofMarkup(markup) {
  if (!markup) return null;
  // Such a document runs nothing and loads nothing.
  const source = new DOMParser().parseFromString(markup, "text/html").querySelector("img[src]")?.getAttribute("src");
  if (!source) return null;
  const own = URL.canParse(source, document.baseURI) ? new URL(source, document.baseURI) : null;
  const id = own?.origin === location.origin ? THUMBNAIL.exec(own.pathname)?.[1] : undefined;
  return id ? { kind: "image", id: id.toLowerCase() } : ofText(source);
}

/**
 * @param {string} text
 * @returns {Query | null} A web address, or an image written into one (`data:`).
 */
function ofText(text) {
  const trimmed = text.trim();
  const inside = DATA_IMAGE.exec(trimmed);
  if (inside) {
    const [, type = "", coded = ""] = inside;
    const bytes = Uint8Array.from(atob(coded.replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
    return { kind: "file", file: new File([bytes], "", { type }) };
  }
  const address = /^[\w-]+(\.[\w-]+)+\/\S+$/.test(trimmed) ? `https://${trimmed}` : trimmed;
  return /^https?:\/\/[^\s/]+\S*$/i.test(address) && URL.canParse(address) ? { kind: "url", url: address } : null;
}
