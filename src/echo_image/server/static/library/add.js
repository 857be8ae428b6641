// @ts-check
/** The part of the library page that adds images: dropped, chosen, a folder, addresses, or a list of them. */

import { button, element, visible } from "../shared/dom.js";
import { formatBytes, formatNumber, t } from "../shared/i18n.js";
import { addressesIn, droppedFiles, isList, mistyped, pieces, sorted } from "./files.js";
import { sendLists, upload } from "./upload.js";
import { CrawlForm } from "./crawl.js";
import { errorText } from "../shared/shell.js";

/**
 * @typedef {import("./files.js").Limits} Limits
 * @typedef {{library: () => string, limits: () => Limits, job: (job: import("../shared/api.js").Job) => void}} Host
 */

/** Most names that are listed; of more, the number is told. */
const NAMED = 20;

export class AddPanel {
  /**
   * @param {HTMLElement} section
   * @param {Host} host
   */
  constructor(section, host) {
    this.section = section;
    this.host = host;
    /** @type {AbortController | null} */
    this.running = null;
    /** What waits to be sent. @type {{batches: File[][]}} */
    this.ready = { batches: [] };
    this.crawl = new CrawlForm(host);
    this.write();
  }

  /** Write the panel in the language of the page. What was typed stays. */
  write() {
    const typed = this.area?.value ?? "";
    this.files = picker("add-files", { multiple: true, accept: "image/*,.heic,.heif,.avif,.tif,.tiff" });
    this.folder = picker("add-folder", { multiple: true, webkitdirectory: true });
    this.list = picker("add-list", { accept: ".txt,.json,.csv,.tsv,text/plain,application/json,text/csv" });
    for (const input of [this.files, this.folder, this.list]) {
      input.addEventListener("change", () => {
        void this.take([...(input.files ?? [])]);
        input.value = ""; // so that the same may be chosen again
      });
    }
    this.area = element("textarea", {
      id: "add-urls", rows: 3, spellcheck: "false", autocomplete: "off",
      placeholder: "https://example.org/photo.jpg", "aria-describedby": "add-urls-count",
    });
    this.area.value = typed;
    this.area.addEventListener("input", () => this.#countUrls());
    this.counted = element("p", { id: "add-urls-count", class: "hint" });
    this.send = button(t("library.add_urls_send"), { id: "add-urls-send", class: "", on: { click: () => void this.#sendUrls() } });
    this.told = element("div", { class: "add-told" });
    this.spoken = element("p", { class: "visually-hidden", role: "status" });
    this.section.replaceChildren(
      element("h2", { id: "add-title", text: t("library.add_title") }),
      element("div", { class: "add-ways" }, this.#dropPart(), this.#urlPart()),
      this.crawl.write(),
      this.told,
      this.spoken,
    );
    this.#countUrls();
  }

  /** @returns {HTMLElement} */
  #dropPart() {
    const { max_upload_bytes: most } = this.host.limits();
    return element(
      "div",
      { class: "add-drop", id: "add-drop" },
      element("p", { class: "add-lead", text: t("library.add_drop") }),
      element(
        "div",
        { class: "add-choose" },
        choice(this.files, t("library.add_files")),
        choice(this.folder, t("library.add_folder")),
      ),
      element("p", { class: "hint", text: t("library.add_limit", { limit: formatBytes(most) }) }),
    );
  }

  /** @returns {HTMLElement} */
  #urlPart() {
    return element(
      "div",
      { class: "add-urls" },
      element("label", { for: "add-urls", text: t("library.add_urls") }),
      this.area,
      this.counted,
      element("div", { class: "add-choose" }, this.send, choice(this.list, t("library.add_list"))),
    );
  }

  #countUrls() {
    const count = addressesIn(this.area?.value ?? "").length;
    if (this.counted) this.counted.textContent = this.area?.value.trim() ? t("library.urls_found", { count }) : "";
  }

  /** @param {DataTransfer} data */
  async drop(data) {
    const text = data.getData("text/uri-list") || data.getData("text/plain");
    const files = await droppedFiles(data);
    if (files.length) await this.take(files);
    else if (addressesIn(text).length) this.#typed(addressesIn(text));
    else this.#tell(element("p", { class: "add-problem", text: t("library.drop_nothing") }));
  }

  /** @param {string[]} urls Put where one sees them before they are sent. */
  #typed(urls) {
    if (!this.area) return;
    const before = this.area.value.trim();
    this.area.value = [...(before ? [before] : []), ...urls].join("\n");
    this.#countUrls();
    this.area.focus();
    this.#say(t("library.urls_found", { count: urls.length }));
  }

  /** @param {File[]} files Images, or lists of addresses. */
  async take(files) {
    if (!files.length) return;
    const lists = files.filter(isList);
    const urls = (await Promise.all(lists.map((file) => file.text()))).flatMap(addressesIn);
    if (urls.length) this.#typed(urls);
    const found = sorted(files.filter((file) => !isList(file)), this.host.limits());
    if (lists.length && !urls.length) found.others.push(...lists);
    const count = found.batches.flat().length;
    if (found.tooLarge.length || (found.others.length && !urls.length) || (found.others.length && count)) {
      // Nothing is sent before one knows what will be left out.
      this.ready = { batches: found.batches };
      this.#ask(found);
    } else if (count) await this.#send(found.batches);
  }

  /** @param {import("./files.js").Sorted} found */
  #ask({ batches, tooLarge, others }) {
    const count = batches.flat().length;
    const { max_upload_bytes: most } = this.host.limits();
    const parts = [
      tooLarge.length ? t("library.too_large", { count: tooLarge.length, limit: formatBytes(most) }) : "",
      others.length ? t("library.not_images", { count: others.length }) : "",
    ].filter(Boolean);
    const send = button(t("library.send_rest", { count }), { class: "", on: { click: () => void this.#send(batches) } });
    const no = button(t("shell.cancel"), { on: { click: () => this.#tell() } });
    this.#tell(
      element(
        "div",
        { class: "add-question" },
        ...parts.map((text) => element("p", { class: "add-problem", text })),
        named([...tooLarge, ...others]),
        element("div", { class: "actions" }, count ? send : null, count ? no : null),
      ),
    );
    this.#say(parts.join(" "));
    if (count) send.focus();
  }

  /** @param {...Node} nodes */
  #tell(...nodes) {
    this.told?.replaceChildren(...nodes);
  }

  /** @param {string} text */
  #say(text) {
    if (this.spoken) this.spoken.textContent = text;
  }

  /** @param {File[][]} batches */
  async #send(batches) {
    const bar = element("progress", { max: 100, value: 0, "aria-label": t("library.uploading") });
    const text = element("p", { class: "hint add-sent" });
    const progress = (/** @type {import("./upload.js").Progress} */ now) => {
      bar.value = now.allBytes ? (100 * now.bytes) / now.allBytes : 100;
      const values = {
        sent: formatNumber(now.sent), count: now.total,
        bytes: formatBytes(Math.round(now.bytes)), all: formatBytes(now.allBytes),
      };
      text.textContent = now.waiting ? t("library.waiting") : t("library.sent", values);
    };
    await this.#run([bar, text], (signal) =>
      upload(batches, this.host.library(), { progress, job: this.host.job, signal }),
    );
  }

  async #sendUrls() {
    const urls = addressesIn(this.area?.value ?? "");
    if (!urls.length) {
      this.area?.focus();
      this.#say(t("library.urls_missing"));
      return;
    }
    const text = element("p", { class: "hint", text: t("library.sending") });
    const waiting = () => {
      text.textContent = t("library.waiting");
    };
    const done = await this.#run([text], (signal) =>
      sendLists(pieces(urls), this.host.library(), { job: this.host.job, signal, waiting }),
    );
    if (!done || !this.area) return;
    const left = mistyped(this.area.value);
    this.area.value = left.join("\n");
    this.#countUrls();
    if (left.length && this.counted) this.counted.textContent = t("library.urls_left", { count: left.length });
  }

  /**
   * @param {Node[]} shown
   * @param {(signal: AbortSignal) => Promise<void>} work
   * @returns {Promise<boolean>} Whether all of it was sent.
   */
  async #run(shown, work) {
    this.running?.abort();
    const mine = new AbortController();
    this.running = mine;
    const stop = button(t("library.stop"), { on: { click: () => mine.abort() } });
    this.#tell(element("div", { class: "add-running" }, ...shown, stop));
    try {
      await work(mine.signal);
      this.#tell();
      this.#say(t("library.all_sent"));
      return true;
    } catch (error) {
      if (mine.signal.aborted) {
        if (this.running === mine) this.#tell();
        return false;
      }
      const { title, hint } = errorText(error);
      this.#tell(
        element("div", { class: "add-question" }, element("p", { class: "add-problem", text: title }),
          hint ? element("p", { class: "hint", text: hint }) : null),
      );
      this.#say(title);
      return false;
    }
  }
}

/**
 * @param {string} id
 * @param {Record<string, string | boolean>} about
 * @returns {HTMLInputElement}
 */
function picker(id, about) {
  return element("input", { id, type: "file", class: "picker", ...about });
}

/**
 * @param {HTMLInputElement | undefined} input Reached by keyboard; its label is what is seen.
 * @param {string} text
 * @returns {HTMLElement}
 */
function choice(input, text) {
  return element("span", { class: "picker-choice" }, input, element("label", { class: "button plain", for: input?.id, text }));
}

/**
 * @param {File[]} files
 * @returns {HTMLElement}
 */
function named(files) {
  const list = element("ul", { class: "add-names" });
  for (const file of files.slice(0, NAMED)) {
    list.append(
      element("li", {}, element("bdi", { text: visible(file.webkitRelativePath || file.name) }), ` ${formatBytes(file.size)}`),
    );
  }
  if (files.length > NAMED) list.append(element("li", { text: t("library.and_more", { count: files.length - NAMED }) }));
  return list;
}
