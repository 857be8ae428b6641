// @ts-check
/** The search page: from whatever was given to its matches, and back again by its address. */

import * as api from "../shared/api.js";
import { button, copyText, element, part, visible } from "../shared/dom.js";
import * as exporting from "./export.js";
import * as filters from "./filters.js";
import { onLanguage, t } from "../shared/i18n.js";
import { QueryPanel } from "./query.js";
import { isProven, resultLists } from "./results.js";
import * as states from "./states.js";
import * as address from "./address.js";
import { FETCHED, FIRST, ask, currentAddress, isWhole, now, passing, source } from "./state.js";
import * as told from "./summary.js";
import * as searchbox from "./box.js";
import * as shell from "../shared/shell.js";

/**
 * @typedef {import("../shared/api.js").Query} Query
 * @typedef {import("../shared/api.js").Match} Match
 * @typedef {import("../shared/api.js").Region} Region
 * @typedef {import("./address.js").View} View
 */

/** Results that each "more" adds. */
const MORE = 10;
/** Other libraries that are offered where nothing was found. */
const ELSEWHERE = 4;
/** @type {Partial<View>} */
const RESET = { verdicts: [], min: 0, place: "", side: 0, days: 0 };

const status = part("status", HTMLElement);
const outcome = part("outcome", HTMLElement);
const found = part("found", HTMLElement);
const foundTitle = part("found-title", HTMLElement);
const matchesPlace = part("matches", HTMLElement);
const toolsPlace = part("tools", HTMLElement);
const filtersPlace = part("filters", HTMLElement);
const holding = part("holding", HTMLElement);

/** @type {Map<string, Query>} Queries by their mark in the history, so that Back finds files that are kept nowhere. */
const visited = new Map();
let running = new AbortController();
/** The place in the history that is shown; one that differs only by an open viewer is the same place. */
let shownPlace = "";
/** @type {(() => void) | undefined} */
let stopCountdown;

/** @type {QueryPanel} */
let panel;

/** @param {Query} query */
function begin(query) {
  now.region = null;
  now.view = { ...address.everything(), sort: now.view.sort };
  open(query);
  const visit = `${performance.timeOrigin} ${visited.size}`;
  visited.set(visit, query);
  writeAddress("pushState", { visit });
  part("url", HTMLInputElement).value = query.kind === "url" ? query.url : "";
  void search();
}

/** @param {Query} query */
function open(query) {
  now.query = query;
  now.keptId = query.kind === "kept" ? query.id : "";
  now.limit = FETCHED;
  now.answer = now.narrowed = null;
  panel.root.hidden = false;
  panel.show(query, now.region, shell.library());
  document.body.dataset["mode"] = "results";
  outcome.hidden = false;
  holding.replaceChildren();
}

/**
 * Write the address of what is shown now.
 * @param {"pushState" | "replaceState"} how
 * @param {unknown} [state]
 */
function writeAddress(how, state = history.state) {
  history[how](state, "", currentAddress());
  shownPlace = placeInHistory();
}

function rewriteAddress() {
  writeAddress("replaceState");
}

/** @returns {string} What makes a place in the history one of its own. */
function placeInHistory() {
  return `${history.state?.visit ?? ""} ${location.search}`;
}

/** Show that a search is under way; results of the one before stay until then. */
function announce() {
  found.setAttribute("aria-busy", "true");
  foundTitle.textContent = t("found.searching");
  status.textContent = t("found.searching");
  if (now.answer) return;
  toolsPlace.replaceChildren();
  filtersPlace.replaceChildren();
  matchesPlace.replaceChildren(states.waiting());
}

/** Search with what there is now, in place of any search under way. */
async function search() {
  const { query } = now;
  if (!query) return;
  running.abort();
  stopCountdown?.();
  const mine = (running = new AbortController());
  now.error = null;
  now.shown = FIRST;
  announce();
  try {
    const answer = await ask({}, mine.signal);
    if (mine.signal.aborted) return;
    now.answer = answer;
    now.narrowed = null;
    if (answer.query.id) now.keptId = answer.query.id;
    panel.describe(answer.query, now.region);
    rewriteAddress();
    if (query.kind === "kept" && !panel.name) void nameKept(query.id, mine.signal);
  } catch (error) {
    if (mine.signal.aborted) return;
    now.error = error;
  }
  found.setAttribute("aria-busy", "false");
  show();
  status.textContent = spoken();
  if (!now.error && !isWhole() && !address.showsEverything(now.view)) void narrow();
}

/** Let the service apply the filters, as there may be more than was fetched. */
async function narrow() {
  running.abort();
  const mine = (running = new AbortController());
  if (address.showsEverything(now.view)) {
    now.narrowed = null;
    show();
    return;
  }
  found.setAttribute("aria-busy", "true");
  try {
    const answer = await ask(filters.asOptions(now.view), mine.signal);
    if (mine.signal.aborted) return;
    now.narrowed = answer.matches;
  } catch (error) {
    if (mine.signal.aborted) return;
    console.warn(error); // what was fetched is still filtered here
    now.narrowed = null;
  }
  found.setAttribute("aria-busy", "false");
  show();
  status.textContent = spoken();
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 */
async function nameKept(id, signal) {
  const kept = await api.keptQuery(id, signal).catch(() => null);
  if (kept && !signal.aborted) panel.setName(kept.url ?? kept.name);
}

/** Write the results, or what stands in their place, in the language there is now. */
function show() {
  const focused = document.activeElement?.id ?? "";
  stopCountdown?.();
  stopCountdown = undefined;
  if (now.error) showFailure();
  else if (now.answer) showAnswer(now.answer);
  if (focused && !document.getElementById(focused)?.matches(":focus")) document.getElementById(focused)?.focus();
}

function showFailure() {
  foundTitle.textContent = t("found.failed");
  toolsPlace.replaceChildren();
  filtersPlace.replaceChildren();
  // Of a query that is gone there is nothing to show.
  const { error } = now;
  panel.root.hidden = now.query?.kind === "kept" && error instanceof api.ServiceError && error.code === "not_found";
  const shown = states.searchFailure(error, { kept: now.query?.kind === "kept", again: () => void search() });
  stopCountdown = shown.stop;
  matchesPlace.replaceChildren(shown);
}

/** @param {api.Answer} answer */
function showAnswer(answer) {
  const passed = passing();
  foundTitle.textContent = told.summary(passed);
  const all = answer.matches;
  toolsPlace.replaceChildren(
    ...(all.length ? filters.tools(now.view, now.filtersOpen, { onView: changeView, onOpen: openFilters, onExport: save }) : []),
  );
  filtersPlace.replaceChildren(...(all.length && now.filtersOpen ? [filters.panel(all, now.view, changeView)] : []));
  const lists = resultLists(passed.slice(0, now.shown), {
    library: shell.library(), several: shell.severalLibraries(), onWhy: (match) => void why(match),
    onSay: (text) => { status.textContent = text; },
  });
  const above = [];
  const little = answer.note_code ? answer.note_code === "too_little_detail" : answer.note !== "";
  if (little) above.push(states.littleDetail());
  if (!all.length && !little) above.push(states.nothing(t("found.none_title"), t("found.none_hint"), ...elsewhere()));
  else if (all.length && !passed.length) above.push(nothingPasses());
  else if (passed.length && !passed.some(isProven) && !little && address.showsEverything(now.view)) {
    above.push(states.nothing(t("found.only_alike"), t("found.only_alike_hint")));
  }
  matchesPlace.replaceChildren(...above, ...lists, ...more(passed.length));
}

/** @returns {HTMLElement[]} A button for each other library; more than a few are for the choice in the header. */
function elsewhere() {
  return shell.otherLibraries().slice(0, ELSEWHERE).map((name) =>
    button(t("found.elsewhere", { library: visible(name) }), {
      icon: "folder", on: { click: () => { shell.chooseLibrary(name); foundTitle.focus(); } },
    }),
  );
}

/** @returns {HTMLElement} */
function nothingPasses() {
  const reset = element("button", {
    type: "button", class: "button plain", text: t("filter.reset"), on: { click: () => { changeView(RESET); } },
  });
  return states.nothing(t("found.filtered_title"), t("found.filtered_hint"), reset);
}

/**
 * @param {number} count Results that pass.
 * @returns {HTMLElement[]} A button for those not shown yet, or for asking the service for more.
 */
function more(count) {
  const left = count - now.shown;
  const most = shell.about()?.limits.max_search_limit ?? FETCHED;
  const fetched = (now.narrowed ?? now.answer?.matches ?? []).length;
  const beyond = fetched >= now.limit && now.limit < most;
  if (left <= 0 && !beyond) return [];
  const text = left > 0 ? t("found.more", { count: Math.min(left, MORE) }) : t("found.more_beyond");
  return [
    element("button", { type: "button", class: "button plain more", id: "more", text, on: { click: () => void showMore(left <= 0) } }),
  ];
}

/** @param {boolean} beyond Whether more has to be fetched. */
async function showMore(beyond) {
  const first = now.shown;
  if (beyond) {
    now.limit = Math.min(now.limit * 3, shell.about()?.limits.max_search_limit ?? now.limit);
    await search();
    if (now.error) return;
  }
  now.shown = first + MORE;
  show();
  // The keyboard goes on where the new results begin.
  const cards = matchesPlace.querySelectorAll(".match .thumb");
  /** @type {HTMLElement | undefined} */ (cards[first])?.focus({ preventScroll: true });
}

/** @returns {string} One sentence or two for those who hear the page. */
function spoken() {
  return told.spoken({ error: now.error, answer: now.answer, passed: passing() });
}

/** @param {Partial<View>} change */
function changeView(change) {
  Object.assign(now.view, change);
  now.shown = FIRST;
  rewriteAddress();
  const sorted = "sort" in change && Object.keys(change).length === 1;
  show();
  status.textContent = spoken();
  if (!sorted && !isWhole()) void narrow();
}

/** @param {boolean} opened */
function openFilters(opened) {
  now.filtersOpen = opened;
  show();
}

/** @param {Region | null} region */
function changeRegion(region) {
  now.region = region;
  writeAddress("pushState");
  if (region) status.textContent = panel.picker.said.textContent ?? "";
  else status.textContent = t("region.cleared");
  void search();
}

/** @param {Match} match */
async function why(match) {
  // Nobody pays for the proof before asking for it.
  const { openViewer } = await import("../viewer/viewer.js");
  await openViewer({ query: source(), match, matches: passing(), library: shell.library(), region: now.region });
}

/** @param {"json" | "csv"} kind */
function save(kind) {
  const passed = passing();
  const name = `echo-image-${new Date().toISOString().slice(0, 10)}.${kind}`;
  const query = { name: panel.name || null, ...now.answer?.query };
  if (kind === "csv") exporting.save(exporting.csv(passed), name, "text/csv");
  else exporting.save(exporting.json(passed, query), name, "application/json");
  status.textContent = t("export.done", { count: passed.length });
}

async function copyLink() {
  if (!(await copyText(location.href))) {
    panel.say(t("shell.copy_failed"), "");
    status.textContent = t("shell.copy_failed");
    return;
  }
  const kept = now.query?.kind === "file" || now.query?.kind === "kept";
  panel.say(t("query.link_copied"), kept ? t("query.link_kept") : "");
  status.textContent = t("query.link_copied");
}

/**
 * Show what the address says: after a reload, Back, Forward, or a link.
 * @param {Promise<unknown>} ready When the service may be asked.
 */
function restore(ready) {
  shownPlace = placeInHistory();
  const asked = address.read(location.search);
  const remembered = visited.get(history.state?.visit);
  const query = asked.query ?? remembered ?? null;
  running.abort();
  stopCountdown?.();
  now.view = asked.view;
  now.region = asked.region;
  now.filtersOpen ||= !address.showsEverything(asked.view);
  if (asked.library) shell.setLibrary(asked.library);
  if (!query) {
    now.query = now.answer = now.error = null;
    delete document.body.dataset["mode"];
    outcome.hidden = true;
    showHolding();
    return;
  }
  // A file of this visit is shown from here, and the service asked for what it kept.
  const same = remembered?.kind === "file" ? remembered : query;
  open(same);
  if (same.kind === "file" && asked.query?.kind === "kept") now.keptId = asked.query.id;
  part("url", HTMLInputElement).value = query.kind === "url" ? query.url : "";
  announce();
  void ready.then(search);
}

function showHolding() {
  holding.replaceChildren(...(now.query ? [] : told.holdings()));
}

async function start() {
  await shell.start("search", "search");
  panel = new QueryPanel({ onRegion: changeRegion, onCopyLink: copyLink });
  searchbox.listen(begin);
  const met = shell.meet().catch((error) => error);
  window.addEventListener("popstate", () => {
    if (placeInHistory() !== shownPlace) restore(met);
  });
  window.addEventListener("online", () => {
    if (now.error instanceof api.ServiceError && now.error.code === "unreachable") void search();
  });
  shell.onLibrary(() => {
    now.view = { ...address.everything(), sort: now.view.sort };
    now.answer = null;
    // The id of an image means nothing in another library, the query that was kept of it does.
    if (now.query?.kind === "image" && now.keptId) now.query = { kind: "kept", id: now.keptId };
    writeAddress(now.query ? "pushState" : "replaceState");
    showHolding();
    void search();
  });
  onLanguage(() => {
    panel.write();
    showHolding();
    show();
  });
  restore(met);
  const failed = await met;
  if (now.query) return;
  if (failed instanceof Error) holding.replaceChildren(shell.failure(failed));
  else showHolding();
}

void start();
