// @ts-check
/**
 * What every page has: the header with its links and choices, the dialog that asks for a key, and how an error is
 * shown. A page has `<header id="top" hidden>` and `<main id="main" hidden>`; both appear once the texts are there, so
 * that nothing is first painted in another language.
 */

import * as api from "./api.js";
import { button, element, icon, part, visible } from "./dom.js";
import * as i18n from "./i18n.js";

const { t } = i18n;
const THEMES = /** @type {const} */ (["system", "light", "dark"]);
const THEME = "echo-image.theme";
const LIBRARY = "echo-image.library";

/** @type {api.LibraryInfo[]} */
let libraries = [];
let chosenLibrary = "";
/** @type {Set<(name: string) => void>} */
const libraryListeners = new Set();
/** @type {api.About | null} */
let aboutService = null;
/** @type {Promise<boolean> | null} */
let asking = null;

/**
 * Load the texts, show the header, and find out what the service has.
 * @param {"search" | "library" | "docs"} page
 * @param {...string} texts Parts of the page to load beside `shell`.
 */
export async function start(page, ...texts) {
  api.onKeyNeeded(keyNeeded);
  await i18n.load("shell", ...texts);
  const top = part("top", HTMLElement);
  top.replaceChildren(...header(page));
  i18n.translate(document);
  i18n.onLanguage(() => {
    const focused = document.activeElement?.id;
    top.replaceChildren(...header(page));
    offerLibraries();
    if (focused) document.getElementById(focused)?.focus();
  });
  top.hidden = false;
  part("main", HTMLElement).hidden = false;
  chosenLibrary = new URLSearchParams(location.search).get("library") ?? i18n.stored(LIBRARY) ?? "";
}

/**
 * Ask the service for its limits and libraries. Fails with the first of the two's error.
 * @returns {Promise<{about: api.About | null, libraries: api.LibraryInfo[]}>}
 */
export async function meet() {
  const [about, listed] = await Promise.all([api.about().catch(() => null), api.libraries()]);
  aboutService = about;
  libraries = listed;
  const named = new URLSearchParams(location.search).get("library");
  if (!libraries.some(({ name }) => name === chosenLibrary)) chosenLibrary = named ?? libraries[0]?.name ?? "";
  offerLibraries();
  return { about, libraries };
}

/** @returns {api.About | null} What the service said of itself, once `meet` is through. */
export function about() {
  return aboutService;
}

/** @returns {string} The name of the chosen library; empty where there is no choice. */
export function library() {
  return chosenLibrary;
}

/** @returns {api.LibraryInfo | undefined} What is known of the chosen library. */
export function libraryInfo() {
  return libraries.find(({ name }) => name === chosenLibrary);
}

/** @returns {boolean} Whether there is more than one library, so that an address has to name it. */
export function severalLibraries() {
  return libraries.length > 1;
}

/** @returns {string[]} The names of all other libraries that hold an image. */
export function otherLibraries() {
  return libraries.filter(({ name, images }) => name !== chosenLibrary && images).map(({ name }) => name);
}

/**
 * Take another library, as the choice in the header does.
 * @param {string} name
 */
export function chooseLibrary(name) {
  setLibrary(name);
  i18n.store(LIBRARY, name);
  for (const listener of libraryListeners) listener(name);
}

/**
 * @param {string} name
 */
export function setLibrary(name) {
  chosenLibrary = name;
  const choice = document.getElementById("library");
  if (choice instanceof HTMLSelectElement) choice.value = name;
}

/**
 * Be told when another library is chosen by hand.
 * @param {(name: string) => void} listener
 */
export function onLibrary(listener) {
  libraryListeners.add(listener);
}

/**
 * @param {"search" | "library" | "docs"} page
 * @returns {Node[]}
 */
function header(page) {
  /** @param {string} name @param {string} href @param {string} key */
  const link = (name, href, key) =>
    element("a", { href, text: t(key), "aria-current": name === page ? "page" : undefined });
  const logo = element("img", { src: "static/icon.svg", alt: "", width: 28, height: 28 });
  return [
    element("a", { class: "skip", href: "#main", text: t("shell.skip") }),
    element("a", { class: "brand", href: "./" }, logo, element("span", { text: "Echo-Image" })),
    element(
      "nav",
      { class: "pages", "aria-label": t("shell.pages") },
      link("search", "./", "shell.search"),
      link("library", "library", "shell.library"),
      link("docs", "docs", "shell.docs"),
    ),
    element("div", { class: "choices" }, libraryChoice(), languageChoice(), themeChoice()),
  ];
}

/** @returns {HTMLElement} */
function libraryChoice() {
  const select = element("select", {
    id: "library",
    "aria-label": t("shell.library_choice"),
    on: { change: () => chooseLibrary(select.value) },
  });
  return element("label", { class: "choice", id: "library-choice", hidden: true }, icon("folder"), select);
}

function offerLibraries() {
  const select = part("library", HTMLSelectElement);
  select.replaceChildren(...libraries.map(({ name }) => new Option(visible(name), name)));
  select.value = chosenLibrary;
  part("library-choice", HTMLElement).hidden = libraries.length < 2;
}

/** @returns {HTMLElement} */
function languageChoice() {
  const select = element("select", {
    id: "language",
    "aria-label": t("shell.language"),
    on: { change: () => void i18n.setLanguage(select.value) },
  });
  for (const [code, name] of Object.entries(i18n.LANGUAGES)) {
    select.append(element("option", { value: code, lang: code, text: name, selected: code === i18n.language() }));
  }
  return element("label", { class: "choice" }, icon("globe"), select);
}

/** @returns {HTMLElement} A button that goes through the three themes. */
function themeChoice() {
  const stored = i18n.stored(THEME);
  const now = THEMES.find((name) => name === stored) ?? "system";
  const made = button(t(`shell.theme_${now}`), { id: "theme", icon: now, only: true });
  made.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length] ?? "system";
    i18n.store(THEME, next);
    if (next === "system") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = next;
    const replaced = themeChoice();
    made.replaceWith(replaced);
    replaced.focus();
  });
  return made;
}

/** @returns {Promise<boolean>} Whether a key was given that the service knows; several calls ask once. */
function keyNeeded() {
  asking ??= askKey().finally(() => {
    asking = null;
  });
  return asking;
}

/** @returns {Promise<boolean>} */
function askKey() {
  const field = element("input", {
    id: "key", type: "password", name: "key", autocomplete: "current-password", required: true, spellcheck: "false",
    "aria-describedby": "key-lead key-problem",
  });
  const problem = element("p", { id: "key-problem", class: "problem", role: "alert" });
  const send = element("button", { type: "submit", class: "button", text: t("shell.key_send") });
  const form = element(
    "form",
    { class: "key-form", method: "dialog" },
    element("h2", { id: "key-title", text: t("shell.key_title") }),
    element("p", { id: "key-lead", class: "hint", text: t("shell.key_lead") }),
    element("label", { for: "key", text: t("shell.key_label") }),
    field,
    problem,
  );
  const dialog = element("dialog", { id: "key-dialog", class: "dialog key-dialog", "aria-labelledby": "key-title" }, form);
  const cancel = button(t("shell.cancel"), { on: { click: () => dialog.close() } });
  form.append(element("div", { class: "actions" }, send, cancel));
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    let given = false;
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(given);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      send.disabled = true;
      try {
        await api.signIn(field.value);
        given = true;
        dialog.close();
      } catch (error) {
        problem.textContent = errorText(error).title;
        send.disabled = false;
        field.focus();
        field.select();
      }
    });
  });
}

/**
 * @param {unknown} error
 * @returns {{title: string, hint: string, requestId: string}} In the language of the page.
 */
export function errorText(error) {
  const known = error instanceof api.ServiceError;
  if (!known) console.warn(error);
  const code = known && i18n.has(`error.${error.code}`) ? error.code : "other";
  const limit = aboutService ? i18n.formatBytes(aboutService.limits.max_upload_bytes) : "";
  const values = { code: known ? error.code : "page", limit };
  const hintKey = code === "limit_exceeded" && !limit ? "" : `error.${code}.hint`;
  return {
    title: t(`error.${code}`, values),
    hint: hintKey && i18n.has(hintKey) ? t(hintKey, values) : "",
    requestId: known ? error.requestId : "",
  };
}

/**
 * @param {unknown} error
 * @param {...Node} more What may be done about it, such as a button to try again.
 * @returns {HTMLElement}
 */
export function failure(error, ...more) {
  const { title, hint, requestId } = errorText(error);
  return element(
    "div",
    { class: "failure" },
    icon("warning"),
    element(
      "div",
      { class: "failure-text" },
      element("p", { class: "failure-message", text: title }),
      hint ? element("p", { class: "hint", text: hint }) : null,
      requestId ? element("p", { class: "request-id", text: t("shell.request", { id: visible(requestId) }) }) : null,
      more.length ? element("div", { class: "actions" }, ...more) : null,
    ),
  );
}
