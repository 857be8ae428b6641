// @ts-check
/** Which results are shown and in which order: chosen here, applied to what was fetched, or asked of the service. */

import { button, element, icon, visible, webAddress } from "../shared/dom.js";
import { formatNumber, t } from "../shared/i18n.js";
import { isProven, shownScore, verdictText } from "./results.js";
import { SORTS, VERDICTS, showsEverything } from "./address.js";

/** @typedef {import("../shared/api.js").Match} Match */
/** @typedef {import("./address.js").View} View */

const SIDES = [500, 1000, 2000, 4000];
const DAYS = [1, 7, 30, 365];
const DAY_MS = 86_400_000;
/** Places offered at most. */
const PLACES = 30;

/**
 * @param {string} location
 * @returns {string} Its host, or the folder it lies in.
 */
export function placeOf(location) {
  const url = webAddress(location);
  if (url) return url.host;
  return location.slice(0, Math.max(location.lastIndexOf("/"), location.lastIndexOf("\\"), location.indexOf(":")) + 1);
}

/**
 * @param {Match[]} matches
 * @param {View} view
 * @param {number} [now] ms since 1970.
 * @returns {Match[]} Those that the view lets through, proven ones first, each kind in the order asked for.
 */
export function apply(matches, view, now = Date.now()) {
  const since = view.days ? now - view.days * DAY_MS : 0;
  const kept = matches.filter(
    (match) =>
      (!view.verdicts.length || view.verdicts.includes(match.verdict)) &&
      shownScore(match) >= view.min &&
      (!view.place || match.locations.some((location) => placeOf(location) === view.place)) &&
      (!view.side || Math.max(match.image?.width ?? 0, match.image?.height ?? 0) >= view.side) &&
      (!since || Date.parse(match.image?.added_at ?? "") >= since),
  );
  /** @type {Record<string, (match: Match) => number>} */
  const keys = {
    newest: (match) => Date.parse(match.image?.added_at ?? "") || 0,
    largest: (match) => (match.image?.width ?? 0) * (match.image?.height ?? 0),
    alike: (match) => match.similarity,
  };
  const key = keys[view.sort];
  // The sort is stable: what is equal stays in the order of the service.
  return kept.sort((a, b) => Number(isProven(b)) - Number(isProven(a)) || (key ? key(b) - key(a) : 0));
}

/**
 * @param {View} view
 * @returns {import("../shared/api.js").SearchOptions} The same, for the service to apply.
 */
export function asOptions(view) {
  /** @type {import("../shared/api.js").SearchOptions} */
  const options = {};
  if (view.verdicts.length) options.verdicts = view.verdicts.join(",");
  if (view.min) options.min_score = view.min;
  if (view.place) options.location = view.place;
  if (view.side) options.min_side = view.side;
  if (view.days) options.added_after = new Date(Date.now() - view.days * DAY_MS).toISOString();
  return options;
}

/**
 * @param {Match[]} matches
 * @returns {[string, number][]} Places of the results and how many lie there, the fullest first.
 */
function placesOf(matches) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const match of matches) {
    for (const place of new Set(match.locations.map(placeOf))) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).slice(0, PLACES);
}

/**
 * @param {Match[]} matches All that were fetched.
 * @param {View} view
 * @param {(change: Partial<View>) => void} onChange
 * @returns {HTMLElement} The panel of filters.
 */
export function panel(matches, view, onChange) {
  const reset = button(t("filter.reset"), {
    id: "filter-reset", class: "quiet", hidden: showsEverything(view),
    on: { click: () => onChange({ verdicts: [], min: 0, place: "", side: 0, days: 0 }) },
  });
  return element(
    "div",
    { class: "filter-panel", role: "group", "aria-label": t("filter.title") },
    verdictChoice(matches, view, onChange),
    scoreChoice(view, onChange),
    placeChoice(matches, view, onChange),
    choice("filter-side", t("filter.size"), view.side, [
      [0, t("filter.any_size")],
      ...SIDES.map((px) => /** @type {[number, string]} */ ([px, t("filter.side", { px: formatNumber(px) })])),
    ], (side) => onChange({ side: Number(side) })),
    choice("filter-days", t("filter.date"), view.days, [
      [0, t("filter.any_date")],
      ...DAYS.map((count) => /** @type {[number, string]} */ ([count, t("filter.days", { count })])),
    ], (days) => onChange({ days: Number(days) })),
    reset,
  );
}

/**
 * @param {Match[]} matches
 * @param {View} view
 * @param {(change: Partial<View>) => void} onChange
 * @returns {HTMLElement}
 */
function verdictChoice(matches, view, onChange) {
  const chips = VERDICTS.map((verdict) => {
    const count = matches.filter((match) => match.verdict === verdict).length;
    const pressed = view.verdicts.includes(verdict);
    const toggled = pressed ? view.verdicts.filter((one) => one !== verdict) : [...view.verdicts, verdict];
    return element(
      "button",
      {
        type: "button", class: "chip", id: `filter-${verdict}`, "aria-pressed": String(pressed),
        disabled: !count && !pressed, on: { click: () => onChange({ verdicts: toggled }) },
      },
      element("span", { text: verdictText(verdict) }),
      element("span", { class: "chip-count", text: formatNumber(count) }),
    );
  });
  return element("div", { class: "chips", role: "group", "aria-label": t("filter.verdict") }, ...chips);
}

/**
 * @param {View} view
 * @param {(change: Partial<View>) => void} onChange
 * @returns {HTMLElement}
 */
function scoreChoice(view, onChange) {
  const range = element("input", {
    type: "range", id: "filter-min", min: 0, max: 100, step: 1, value: view.min,
    "aria-valuetext": t("filter.score", { score: view.min }),
  });
  const label = element("label", { for: "filter-min", text: t("filter.score", { score: view.min }) });
  range.addEventListener("input", () => {
    const text = t("filter.score", { score: range.valueAsNumber });
    label.textContent = text;
    range.setAttribute("aria-valuetext", text);
  });
  range.addEventListener("change", () => onChange({ min: range.valueAsNumber }));
  return element("div", { class: "field" }, label, range);
}

/**
 * @param {Match[]} matches
 * @param {View} view
 * @param {(change: Partial<View>) => void} onChange
 * @returns {HTMLElement}
 */
function placeChoice(matches, view, onChange) {
  const places = placesOf(matches);
  if (view.place && !places.some(([place]) => place === view.place)) places.push([view.place, 0]);
  /** @type {[string, string][]} */
  const options = places.map(([place, count]) => [place, `${visible(place) || "…"} (${formatNumber(count)})`]);
  return choice("filter-place", t("filter.place"), view.place, [["", t("filter.any_place")], ...options], (place) =>
    onChange({ place }),
  );
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string | number} value
 * @param {[string | number, string][]} options
 * @param {(value: string) => void} onChange
 * @returns {HTMLElement}
 */
function choice(id, label, value, options, onChange) {
  const select = element("select", { id }, ...options.map(([key, text]) => new Option(text, String(key))));
  select.value = String(value);
  select.addEventListener("change", () => onChange(select.value));
  return element("div", { class: "field" }, element("label", { for: id, text: label }), select);
}

/**
 * @param {View} view
 * @param {boolean} open Whether the filters are shown.
 * @param {{
 *   onView: (change: Partial<View>) => void, onOpen: (open: boolean) => void,
 *   onExport: (kind: "json" | "csv") => void,
 * }} told
 * @returns {Node[]} What stands above the results: filters, order, export.
 */
export function tools(view, open, told) {
  const toggle = button(t("filter.title"), {
    id: "filter-toggle", class: "plain", icon: "filter", "aria-expanded": String(open), "aria-controls": "filters",
    on: { click: () => told.onOpen(!open) },
  });
  if (!showsEverything(view)) toggle.append(element("span", { class: "dot", "aria-hidden": "true" }));
  const sort = element(
    "select",
    { id: "sort", "aria-label": t("sort.label") },
    ...SORTS.map((name) => new Option(t(`sort.${name}`), name)),
  );
  sort.value = view.sort;
  sort.addEventListener("change", () => told.onView({ sort: /** @type {View["sort"]} */ (sort.value) }));
  return [toggle, sort, exportMenu(told.onExport)];
}

/**
 * @param {(kind: "json" | "csv") => void} onExport
 * @returns {HTMLElement}
 */
function exportMenu(onExport) {
  const summary = element("summary", { class: "button plain", id: "export" }, icon("down"), element("span", { text: t("export.label") }));
  const menu = element("details", { class: "menu" }, summary);
  /** @param {"json" | "csv"} kind @param {string} hint */
  const item = (kind, hint) =>
    element(
      "button",
      {
        type: "button", class: "menu-item", id: `export-${kind}`,
        on: { click: () => { menu.open = false; summary.focus(); onExport(kind); } },
      },
      element("strong", { text: kind.toUpperCase() }),
      element("span", { class: "hint", text: hint }),
    );
  menu.append(element("div", { class: "menu-items" }, item("csv", t("export.csv")), item("json", t("export.json"))));
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
  menu.addEventListener("focusout", (event) => {
    if (!menu.contains(/** @type {Node | null} */ (event.relatedTarget))) menu.open = false;
  });
  return menu;
}
