// @ts-check
/**
 * The images of a library, page after page by cursor. A page that lies far from what is looked at is let go of and
 * asked for again by its cursor, so the memory taken does not grow with the library, and a place in the middle can be
 * returned to without reading all before it.
 */

import * as api from "../shared/api.js";

/**
 * @typedef {import("../shared/api.js").LibraryImage} LibraryImage
 * @typedef {{
 *   library?: string, contains?: string, format?: string, min_side?: number, max_side?: number,
 *   added_after?: string, added_before?: string, order?: "oldest" | "newest",
 * }} Wanted
 * @typedef {{after: string | null, count: number, images: LibraryImage[] | null, shown: LibraryImage[] | null}} Page
 * @typedef {{pages: [string | null, number][], next: string | null}} Saved
 */

export const PAGE = 60;
/** Pages kept with their images; 3,000 images are some 3 MB. */
const KEPT_PAGES = 50;

export class Listing {
  /**
   * @param {Wanted} wanted
   * @param {() => void} onChange Something was loaded, or could not be.
   */
  constructor(wanted, onChange) {
    this.wanted = wanted;
    this.onChange = onChange;
    /** @type {Page[]} */
    this.pages = [];
    /** Cursor of the page after the last; null after the end. @type {string | null} */
    this.next = null;
    this.begun = false;
    /** @type {unknown} */
    this.error = null;
    /** Ids that are about to be removed. @type {Set<string>} */
    this.hidden = new Set();
    /** @type {Set<Page>} */
    this.loading = new Set();
    this.running = new AbortController();
  }

  close() {
    this.running.abort();
  }

  /** @returns {boolean} Whether all there is is known. */
  get complete() {
    return this.begun && this.next === null;
  }

  /** @returns {boolean} */
  get busy() {
    return this.loading.size > 0;
  }

  /** @returns {number} How many are known, loaded or not. */
  get count() {
    return this.pages.reduce((sum, page) => sum + this.#seen(page), 0);
  }

  /** @returns {LibraryImage[]} Those that are loaded, in order. */
  get loaded() {
    return this.pages.flatMap((page) => this.#visible(page));
  }

  /**
   * Kept, as it is asked for with every image that is drawn.
   * @param {Page} page
   */
  #visible(page) {
    page.shown ??= (page.images ?? []).filter((image) => !this.hidden.has(image.id));
    return page.shown;
  }

  /**
   * Leave images out for now, or show them again.
   * @param {string[]} ids
   * @param {boolean} hidden
   */
  hide(ids, hidden) {
    for (const id of ids) {
      if (hidden) this.hidden.add(id);
      else this.hidden.delete(id);
    }
    for (const page of this.pages) page.shown = null;
  }

  /** @param {Page} page */
  #seen(page) {
    return page.images ? this.#visible(page).length : page.count;
  }

  /**
   * @param {number} index
   * @returns {LibraryImage | null} null where it is not loaded; asking for it is `want`'s.
   */
  at(index) {
    let before = 0;
    for (const page of this.pages) {
      const seen = this.#seen(page);
      if (index < before + seen) return this.#visible(page)[index - before] ?? null;
      before += seen;
    }
    return null;
  }

  /**
   * @param {string} id
   * @returns {number} -1 where it is not among those loaded.
   */
  indexOf(id) {
    let before = 0;
    for (const page of this.pages) {
      const found = this.#visible(page).findIndex((image) => image.id === id);
      if (found >= 0) return before + found;
      before += this.#seen(page);
    }
    return -1;
  }

  /**
   * See to it that the images from `first` to `last` are there or on their way.
   * @param {number} first
   * @param {number} last
   */
  want(first, last) {
    if (this.error) return;
    let before = 0;
    for (const page of this.pages) {
      const seen = this.#seen(page);
      if (!page.images && before <= last && before + seen >= first) void this.#load(page);
      before += seen;
    }
    if (last >= before && (!this.begun || this.next !== null) && !this.busy) {
      const page = { after: this.next, count: 0, images: null, shown: null };
      this.pages.push(page);
      void this.#load(page);
    }
    this.#letGo(first, last);
  }

  /** Try again what failed. */
  retry() {
    this.error = null;
    this.onChange();
  }

  /** @param {Page} page */
  async #load(page) {
    if (this.loading.has(page)) return;
    this.loading.add(page);
    const asked = { ...this.wanted, limit: PAGE, ...(page.after ? { after: page.after } : {}) };
    try {
      const { images, next } = await api.listImages(asked, this.running.signal);
      page.images = images;
      page.shown = null;
      page.count = images.length;
      this.begun = true;
      if (page === this.pages.at(-1)) this.next = next;
    } catch (error) {
      if (this.running.signal.aborted) return;
      this.error = error;
      if (!page.count) this.pages = this.pages.filter((other) => other !== page);
    } finally {
      this.loading.delete(page);
    }
    this.onChange();
  }

  /**
   * @param {number} first
   * @param {number} last
   */
  #letGo(first, last) {
    const kept = this.pages.filter((page) => page.images);
    if (kept.length <= KEPT_PAGES) return;
    const middle = (first + last) / 2 / PAGE;
    const far = kept.map((page) => ({ page, away: Math.abs(this.pages.indexOf(page) - middle) }));
    far.sort((a, b) => b.away - a.away);
    for (const { page } of far.slice(0, kept.length - KEPT_PAGES)) {
      page.count = this.#seen(page);
      page.images = null;
      page.shown = null;
    }
  }

  /** @returns {Saved} What `restore` needs to come back to this place. */
  saved() {
    return { pages: this.pages.map((page) => [page.after, this.#seen(page)]), next: this.next };
  }

  /** @param {Saved} saved */
  restore(saved) {
    this.pages = saved.pages.map(([after, count]) => ({ after, count, images: null, shown: null }));
    this.next = saved.next;
    this.begun = this.pages.length > 0;
  }
}
