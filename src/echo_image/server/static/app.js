// @ts-check
/** The search page: from a dropped, pasted, chosen or addressed picture to its matches. */

import * as api from "./api.js";
import * as view from "./view.js";

/** @typedef {import("./api.js").Query} Query */
/** @typedef {import("./api.js").Match} Match */

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
function part(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`The page has no ${id}.`);
  return found;
}

const ask = part("ask", HTMLFormElement);
const drop = part("drop", HTMLDivElement);
const file = part("file", HTMLInputElement);
const url = part("url", HTMLInputElement);
const librarySelect = part("library", HTMLSelectElement);
const status = part("status", HTMLParagraphElement);
const outcome = part("outcome", HTMLDivElement);
const queryFrame = part("query-frame", HTMLDivElement);
const queryCaption = part("query-caption", HTMLElement);
const found = part("found", HTMLElement);
const foundTitle = part("found-title", HTMLHeadingElement);
const matches = part("matches", HTMLDivElement);
const about = part("about", HTMLParagraphElement);
const dialog = part("evidence", HTMLDialogElement);
const dialogTitle = part("evidence-title", HTMLHeadingElement);
const dialogBody = part("evidence-body", HTMLDivElement);

/** The search under way; a new one takes its place. */
let running = new AbortController();
/** Object URLs that are shown; let go of when something else is. */
let previewUrl = "";
let evidenceUrl = "";

/** @param {Query} query */
async function search(query) {
  running.abort();
  const mine = new AbortController();
  running = mine;
  const library = librarySelect.value;
  showQuery(query);
  outcome.hidden = false;
  about.hidden = true;
  ask.classList.add("small");
  found.setAttribute("aria-busy", "true");
  foundTitle.textContent = "Searching";
  matches.replaceChildren(view.waiting());
  status.textContent = "Searching…";
  try {
    const answer = await api.search(query, library, mine.signal);
    if (mine.signal.aborted) return;
    describeQuery(query, answer);
    const onEvidence = (/** @type {Match} */ match) => void showEvidence(query, match, library);
    matches.replaceChildren(...view.matchLists(answer, library, onEvidence));
    foundTitle.textContent = "Found";
    status.textContent = view.summary(answer);
  } catch (error) {
    if (mine.signal.aborted) return;
    foundTitle.textContent = "Not searched";
    const shown = view.failure(error);
    matches.replaceChildren(shown);
    status.textContent = shown.textContent ?? "";
  }
  found.setAttribute("aria-busy", "false");
}

/** @param {Query} query */
function showQuery(query) {
  URL.revokeObjectURL(previewUrl);
  previewUrl = "";
  queryCaption.textContent = view.visible(query.kind === "file" ? query.file.name || "Pasted picture" : query.url);
  if (query.kind === "url") {
    // Showing it would ask its host a second time, from this browser.
    queryFrame.replaceChildren(view.element("p", { class: "no-preview", text: "From the web" }));
    return;
  }
  const shown = document.createElement("img");
  previewUrl = URL.createObjectURL(query.file);
  shown.alt = "The picture searched for";
  shown.addEventListener("error", () => {
    const text = "This browser cannot show this kind of file.";
    queryFrame.replaceChildren(view.element("p", { class: "no-preview", text }));
  });
  shown.src = previewUrl;
  queryFrame.replaceChildren(shown);
}

/**
 * @param {Query} query
 * @param {import("./api.js").Answer} answer
 */
function describeQuery(query, answer) {
  const { width, height } = answer.query;
  const name = query.kind === "file" ? query.file.name || "Pasted picture" : query.url;
  const took = `${Math.max(1, Math.round(answer.took_ms))} ms`;
  queryCaption.replaceChildren(
    view.element("bdi", { class: "place", text: view.visible(name) }),
    view.element("span", { class: "hint", text: `${width} × ${height} px, searched in ${took}` }),
  );
}

/**
 * @param {Query} query
 * @param {Match} match
 * @param {string} library
 */
async function showEvidence(query, match, library) {
  const mine = new AbortController();
  dialogTitle.textContent = match.verdict === "similar" ? "Side by side" : "Why they match";
  dialogBody.replaceChildren(view.element("p", { class: "hint", text: "Drawing…" }));
  dialog.addEventListener("close", () => mine.abort(), { once: true });
  dialog.showModal();
  try {
    const png = await api.evidence(query, match.id, library, mine.signal);
    if (mine.signal.aborted) return;
    URL.revokeObjectURL(evidenceUrl);
    evidenceUrl = URL.createObjectURL(png);
    const shown = document.createElement("img");
    shown.alt = "The query beside the match; lines join the points that they have in common.";
    shown.src = evidenceUrl;
    const sheet = view.element("div", { class: "sheet" }, shown);
    sheet.tabIndex = 0; // on a narrow screen it scrolls, by keyboard as well
    dialogBody.replaceChildren(sheet);
  } catch (error) {
    if (!mine.signal.aborted) dialogBody.replaceChildren(view.failure(error));
  }
}

/**
 * @param {DataTransfer} data
 * @returns {Query | null} The first picture in what was dropped or pasted, or the first web address.
 */
function queryIn(data) {
  const given = [...data.files];
  const chosen = given.find((one) => one.type.startsWith("image/")) ?? given[0];
  if (chosen) return { kind: "file", file: chosen };
  const text = data.getData("text/uri-list").split("\n").find((line) => /^https?:/i.test(line));
  const address = (text ?? data.getData("text/plain")).trim();
  return /^https?:\/\/\S+$/i.test(address) ? { kind: "url", url: address } : null;
}

file.addEventListener("change", () => {
  const chosen = file.files?.[0];
  if (chosen) void search({ kind: "file", file: chosen });
  // The same file may be chosen again, after it was changed.
  file.value = "";
});

ask.addEventListener("submit", (event) => {
  event.preventDefault();
  const address = url.value.trim();
  if (address) void search({ kind: "url", url: address });
  else url.focus();
});

document.addEventListener("paste", (event) => {
  const query = event.clipboardData && queryIn(event.clipboardData);
  if (!query) return;
  if (query.kind === "url") url.value = query.url;
  event.preventDefault();
  void search(query);
});

document.addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) drop.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("over");
  const query = event.dataTransfer && queryIn(event.dataTransfer);
  if (query) void search(query);
  else status.textContent = "What was dropped is neither a picture nor a web address.";
});

part("evidence-close", HTMLButtonElement).addEventListener("click", () => dialog.close());
dialog.addEventListener("click", (event) => {
  // Only the backdrop is the dialog itself; everything inside is one of its children.
  if (event.target === dialog) dialog.close();
});

async function offerLibraries() {
  const names = await api.libraries().catch(() => []);
  librarySelect.replaceChildren(...names.map((name) => new Option(name, name)));
  part("library-choice", HTMLLabelElement).hidden = names.length < 2;
}

void offerLibraries();
