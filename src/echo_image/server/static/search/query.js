// @ts-check
/** What is searched for: shown, described, and the part of it that is meant. */

import * as api from "../shared/api.js";
import { button, element, part, visible } from "../shared/dom.js";
import { formatBytes, formatNumber, t } from "../shared/i18n.js";
import { RegionPicker } from "./region.js";

/** @typedef {import("../shared/api.js").Query} Query */
/** @typedef {import("../shared/api.js").Region} Region */

export class QueryPanel {
  /** @param {{onRegion: (region: Region | null) => void, onCopyLink: () => Promise<void>}} told */
  constructor({ onRegion, onCopyLink }) {
    this.root = part("query", HTMLElement);
    this.onCopyLink = onCopyLink;
    /** @type {Query | null} */
    this.query = null;
    this.name = "";
    this.keptId = "";
    this.linkable = false;
    this.source = "";
    this.picture = element("img", { class: "query-picture", hidden: true, alt: "" });
    this.missing = element("p", { class: "no-preview", hidden: true });
    this.stage = element("div", { class: "stage" }, this.picture);
    this.frame = element("div", { class: "frame" }, this.stage, this.missing);
    this.caption = element("figcaption", { class: "query-caption", id: "query-caption" });
    this.actions = element("div", { class: "query-actions" });
    this.help = element("p", { class: "hint region-help", id: "region-help" });
    this.note = element("p", { class: "hint", id: "query-note" });
    this.title = element("h2", { id: "query-title" });
    this.picker = new RegionPicker(this.stage, (region) => {
      if (!region) this.stage.classList.remove("choosing");
      this.#writeActions();
      onRegion(region);
    });
    this.root.replaceChildren(
      this.title,
      element("figure", {}, this.frame, this.caption),
      this.picker.said,
      this.actions,
      this.note,
      this.help,
    );
    this.picture.addEventListener("error", () => this.#unshown());
    this.picture.addEventListener("load", () => {
      this.picture.hidden = false;
      this.missing.hidden = true;
      if (!this.picker.width) this.#shape(this.picture.naturalWidth, this.picture.naturalHeight);
    });
  }

  /**
   * Show another query; how large it is, is not known yet.
   * @param {Query} query
   * @param {Region | null} region
   * @param {string} library
   */
  show(query, region, library) {
    if (this.source.startsWith("blob:")) URL.revokeObjectURL(this.source);
    this.query = query;
    this.name = query.kind === "file" ? query.file.name : query.kind === "url" ? query.url : "";
    this.keptId = query.kind === "kept" ? query.id : "";
    this.linkable = query.kind !== "file";
    this.size = { width: 0, height: 0 };
    this.picture.hidden = true;
    this.missing.hidden = true;
    this.source = "";
    if (query.kind === "file") this.source = URL.createObjectURL(query.file);
    if (query.kind === "image") this.source = api.thumbnailUrl(query.id, library);
    if (query.kind === "kept") this.source = api.previewUrl(query.id);
    if (this.source) this.picture.src = this.source;
    else this.picture.removeAttribute("src");
    this.picker.setSize(0, 0);
    this.picker.set(region);
    this.write();
  }

  /**
   * @param {{width: number, height: number, id?: string}} described By the service.
   * @param {Region | null} region
   */
  describe(described, region) {
    this.size = { width: described.width, height: described.height };
    if (described.id) this.keptId = described.id;
    this.linkable ||= Boolean(described.id);
    this.#shape(described.width, described.height);
    this.picker.setSize(described.width, described.height);
    this.picker.answered(region);
    if (this.keptId && (this.query?.kind === "url" || this.query?.kind === "image")) this.#preview();
    else if (this.keptId && !this.missing.hidden) this.#preview();
    this.write();
  }

  /** Show the service's own small version. */
  #preview() {
    const wanted = api.previewUrl(this.keptId);
    if (this.source === wanted) return;
    if (this.source.startsWith("blob:")) URL.revokeObjectURL(this.source);
    this.source = wanted;
    this.picture.src = wanted;
  }

  /** @param {string} name Of a kept query. */
  setName(name) {
    this.name = name;
    this.#writeCaption();
  }

  /** @param {number} width @param {number} height */
  #shape(width, height) {
    this.stage.style.setProperty("--query-shape", String(width / Math.max(1, height)));
    this.stage.classList.add("shaped");
  }

  #unshown() {
    if (!this.picture.getAttribute("src")) return;
    if (this.keptId && this.source !== api.previewUrl(this.keptId)) {
      this.#preview();
      return;
    }
    this.picture.hidden = true;
    this.missing.hidden = false;
    this.missing.textContent = t("query.no_preview");
  }

  /**
   * Show what came of an action.
   * @param {string} title
   * @param {string} hint
   */
  say(title, hint) {
    this.note.textContent = `${title} ${hint}`.trim();
  }

  /** Write everything in the language there is now. */
  write() {
    this.title.textContent = t("query.title");
    this.picture.alt = t("query.alt");
    this.missing.textContent = t("query.no_preview");
    this.picker.write();
    this.note.textContent = "";
    this.#writeCaption();
    this.#writeActions();
  }

  #writeCaption() {
    if (!this.query) return;
    const name = this.name || t(this.query.kind === "image" ? "query.from_library" : "query.pasted");
    const { width, height } = this.size ?? { width: 0, height: 0 };
    const facts = [];
    if (width) facts.push(t("match.size", { width: formatNumber(width), height: formatNumber(height) }));
    if (this.query.kind === "file") facts.push(formatBytes(this.query.file.size));
    this.caption.replaceChildren(
      element("bdi", { class: "place", text: visible(name) }),
      element("span", { class: "hint", text: facts.join(" · ") || "\u{A0}" }),
    );
  }

  #writeActions() {
    const choose = button(t("query.choose"), {
      icon: "crop", id: "choose-part", disabled: !this.size?.width,
      on: {
        click: () => {
          this.stage.classList.add("choosing");
          this.picker.begin();
        },
      },
    });
    const whole = button(t("query.clear"), {
      id: "clear-part", icon: "close",
      on: {
        click: () => {
          this.picker.clear();
          document.getElementById("choose-part")?.focus();
        },
      },
    });
    const link = button(t("query.copy_link"), {
      id: "copy-link", icon: "link", disabled: !this.linkable, on: { click: () => void this.onCopyLink() },
    });
    const chosen = this.picker.region !== null;
    this.help.textContent = t(chosen ? "region.keys" : "region.help");
    const focused = this.actions.contains(document.activeElement) ? document.activeElement?.id : "";
    this.actions.replaceChildren(chosen ? whole : choose, link);
    if (focused) document.getElementById(focused)?.focus();
  }
}
