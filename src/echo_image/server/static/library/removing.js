// @ts-check
/**
 * Removing: asked first, then put off for some seconds in which it can be undone; only then is the service told. A page
 * that is left tells it at once.
 */

import * as api from "../shared/api.js";
import { button, element, visible } from "../shared/dom.js";
import { formatNumber, t } from "../shared/i18n.js";
import { nameOf } from "./names.js";
import { errorText } from "../shared/shell.js";

/** @typedef {import("../shared/api.js").LibraryImage} LibraryImage */
/**
 * @typedef {{
 *   hide: (ids: string[]) => void, show: (ids: string[]) => void, removed: (ids: string[]) => void,
 *   library: () => string, focus: () => void,
 * }} Host
 */

const UNDO_MS = 10_000;
const AT_ONCE = 4;
const NAMED = 5;

export class Remover {
  /**
   * @param {HTMLElement} bars Where the offer to undo is put.
   * @param {Host} host
   */
  constructor(bars, host) {
    this.bars = bars;
    this.host = host;
    /** @type {{ids: string[], library: string, timer: number, bar: HTMLElement} | null} */
    this.pending = null;
    window.addEventListener("pagehide", () => this.#leave());
  }

  /**
   * Ask, and remove what is agreed to.
   * @param {LibraryImage[]} images
   */
  ask(images) {
    if (!images.length) return;
    const count = images.length;
    const names = element("ul", { class: "remove-names" });
    for (const image of images.slice(0, NAMED)) names.append(element("li", {}, element("bdi", { text: visible(nameOf(image)) })));
    if (count > NAMED) names.append(element("li", { text: t("library.and_more", { count: count - NAMED }) }));
    const yes = element("button", { type: "submit", value: "yes", class: "button danger", text: t("library.remove_yes", { count }) });
    const no = element("button", { type: "submit", value: "no", class: "button plain", text: t("library.remove_no") });
    const dialog = element(
      "dialog",
      { class: "dialog remove-dialog", "aria-labelledby": "remove-title", "aria-describedby": "remove-lead" },
      element(
        "form",
        { method: "dialog", class: "remove-form" },
        element("h2", { id: "remove-title", text: t("library.remove_title", { count }) }),
        element("p", { id: "remove-lead", text: t("library.remove_lead") }),
        names,
        element("div", { class: "actions" }, no, yes),
      ),
    );
    document.body.append(dialog);
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes") this.#begin(images.map(({ id }) => id));
      else this.host.focus();
    });
    dialog.showModal();
    no.focus(); // the harmless answer
  }

  /** @param {string[]} ids */
  #begin(ids) {
    void this.#commit(); // what was removed before is not held up by this
    const undo = button(t("library.undo"), { class: "", on: { click: () => this.#undo() } });
    const bar = element(
      "div",
      { class: "bar undo-bar" },
      element("p", { role: "status", text: t("library.removing", { count: ids.length }) }),
      undo,
    );
    this.bars.append(bar);
    const timer = () => setTimeout(() => void this.#commit(), UNDO_MS);
    const pending = { ids, library: this.host.library(), timer: timer(), bar };
    this.pending = pending;
    // Whoever is about to decide is not hurried.
    const hold = () => clearTimeout(pending.timer);
    const go = () => {
      hold();
      if (this.pending === pending && !bar.matches(":hover") && !bar.contains(document.activeElement)) pending.timer = timer();
    };
    bar.addEventListener("pointerenter", hold);
    bar.addEventListener("focusin", hold);
    bar.addEventListener("pointerleave", go);
    bar.addEventListener("focusout", () => queueMicrotask(go));
    this.host.hide(ids);
    this.host.focus();
  }

  #undo() {
    const { pending } = this;
    if (!pending) return;
    this.#end(pending);
    this.host.show(pending.ids);
    this.host.focus();
  }

  /** @param {NonNullable<Remover["pending"]>} pending */
  #end(pending) {
    clearTimeout(pending.timer);
    pending.bar.remove();
    if (this.pending === pending) this.pending = null;
  }

  async #commit() {
    const { pending } = this;
    if (!pending) return;
    this.#end(pending);
    const left = [...pending.ids];
    /** @type {string[]} */
    const kept = [];
    /** @type {unknown} */
    let first = null;
    const work = async () => {
      for (let id = left.shift(); id; id = left.shift()) {
        try {
          await api.removeImage(id, pending.library);
        } catch (error) {
          if (error instanceof api.ServiceError && error.code === "not_found") continue; // somebody else did
          first ??= error;
          kept.push(id);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    this.host.removed(pending.ids.filter((id) => !kept.includes(id)));
    if (!kept.length) return;
    this.host.show(kept);
    this.#told(t("library.not_removed", { count: kept.length }), errorText(first).title);
  }

  /**
   * @param {string} text
   * @param {string} reason
   */
  #told(text, reason) {
    const bar = element("div", { class: "bar bad-bar" }, element("p", { role: "alert", text: `${text} ${reason}` }));
    bar.append(button(t("shell.close"), { icon: "close", only: true, class: "quiet", on: { click: () => bar.remove() } }));
    this.bars.append(bar);
  }

  #leave() {
    const { pending } = this;
    if (!pending) return;
    this.#end(pending);
    const named = pending.library ? `?library=${encodeURIComponent(pending.library)}` : "";
    for (const id of pending.ids) {
      void fetch(`api/v1/images/${id}${named}`, { method: "DELETE", keepalive: true }).catch(() => null);
    }
  }

  /** @returns {string} What is written on the bar of a selection. */
  static counted(/** @type {number} */ count) {
    return t("library.selected", { count, number: formatNumber(count) });
  }
}
