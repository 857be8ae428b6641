// @ts-check
/** The panel of jobs: how far each is, how fast and how long yet, what failed and why; cancel, resume, try again. */

import * as api from "../shared/api.js";
import { ServiceError } from "../shared/api.js";
import { button, element, visible } from "../shared/dom.js";
import { formatDate, formatNumber, t } from "../shared/i18n.js";
import { ended, Watch } from "./watch.js";
import { errorText, severalLibraries } from "../shared/shell.js";

/** @typedef {import("../shared/api.js").Job} Job */
/** @typedef {import("../shared/api.js").Failure} Failure */

const COUNTS = /** @type {const} */ (["added", "updated", "unchanged", "skipped", "failed"]);
/** A count is told aloud at most this often. */
const SPOKEN_MS = 10_000;

/**
 * @param {Failure} failure
 * @returns {string} The reason, in the language of the page.
 */
function reasonOf({ code }) {
  return errorText(new ServiceError(code)).title;
}

export class JobsPanel {
  /**
   * @param {HTMLElement} section
   * @param {(job: Job) => void} onEnd
   */
  constructor(section, onEnd) {
    this.section = section;
    /** @type {Map<string, {card: HTMLElement, update: (job: Job) => void}>} */
    this.cards = new Map();
    /** Jobs whose failures are unfolded. @type {Set<string>} */
    this.open = new Set();
    this.spokenAt = 0;
    this.spoken = element("p", { class: "visually-hidden", role: "status" });
    this.watch = new Watch(
      (jobs) => this.#show(jobs),
      (job) => {
        this.#say(this.#summary(job), true);
        onEnd(job);
      },
    );
    this.write();
  }

  /** Write the panel in the language of the page. */
  write() {
    this.cards.clear();
    this.list = element("ul", { class: "job-list" });
    this.clearing = button(t("library.jobs_clear"), { class: "quiet", id: "jobs-clear", on: { click: () => void this.#clear() } });
    this.section.replaceChildren(
      element("div", { class: "jobs-head" }, element("h2", { id: "jobs-title", text: t("library.jobs") }), this.clearing),
      this.list,
      this.spoken,
    );
    this.#show([...this.watch.jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at)));
  }

  async #clear() {
    try {
      await this.watch.clear();
    } catch (error) {
      this.#say(errorText(error).title, true);
    }
  }

  /** @param {Job[]} jobs */
  #show(jobs) {
    this.section.hidden = jobs.length === 0;
    if (this.clearing) this.clearing.hidden = !jobs.some(ended);
    for (const [id, { card }] of this.cards) {
      if (jobs.some((job) => job.id === id)) continue;
      card.remove();
      this.cards.delete(id);
    }
    jobs.forEach((job, index) => {
      let known = this.cards.get(job.id);
      if (!known) {
        known = this.#card(job);
        this.cards.set(job.id, known);
      }
      if (this.list?.children[index] !== known.card) this.list?.insertBefore(known.card, this.list.children[index] ?? null);
      known.update(job);
    });
    const running = jobs.find(({ state }) => state === "running");
    if (running) this.#say(this.#summary(running), false);
  }

  /**
   * @param {string} text
   * @param {boolean} atOnce
   */
  #say(text, atOnce) {
    const now = performance.now();
    if (!atOnce && now - this.spokenAt < SPOKEN_MS) return;
    this.spokenAt = now;
    this.spoken.textContent = text;
  }

  /** @param {Job} job */
  #summary(job) {
    return `${t(`library.job_${job.state}`)}: ${progressOf(job)}`;
  }

  /**
   * @param {Job} first
   * @returns {{card: HTMLElement, update: (job: Job) => void}}
   */
  #card(first) {
    let latest = first;
    const title = element("strong");
    const note = element("span", { class: "hint" });
    const bar = element("progress", { max: 1 });
    bar.setAttribute("aria-label", t("library.job_progress"));
    const counts = element("p", { class: "job-counts" });
    const pace = element("p", { class: "hint job-pace" });
    const problem = element("p", { class: "problem", hidden: true });
    const act = button("", { on: { click: () => void this.#try(() => this.watch.cancel(latest), problem) } });
    const goOn = (/** @type {"resume" | "retry"} */ how) =>
      button(t(`library.job_${how}`), { hidden: true, on: { click: () => void this.#try(() => this.watch.goOn(latest, how), problem) } });
    const [resume, retry] = [goOn("resume"), goOn("retry")];
    const report = element("a", {
      class: "button plain", href: api.jobReportUrl(first.id), target: "_blank", rel: "noopener", text: t("library.job_report"),
    });
    const from = element("p", { class: "hint job-from" });
    const failed = this.#failures(() => latest);
    const card = element(
      "li",
      { class: "job" },
      element("div", { class: "job-head" }, title, note, element("span", { class: "job-acts" }, resume, retry, report, act)),
      from, bar, counts, pace, problem, failed.shown,
    );
    const update = (/** @type {Job} */ job) => {
      latest = job;
      const over = ended(job);
      title.textContent = t(`library.job_${job.state}`);
      card.dataset["state"] = job.state;
      const named = severalLibraries() ? `${visible(job.library)} · ` : "";
      note.textContent = named + formatDate(job.created_at, { dateStyle: "medium", timeStyle: "short" });
      act.textContent = t(over ? "library.job_forget" : "shell.cancel");
      bar.hidden = over;
      if (job.total) [bar.max, bar.value] = [job.total, job.done];
      else bar.removeAttribute("value");
      resume.hidden = !over || !job.resumable;
      retry.hidden = !over || !job.failed || Boolean(job.resumable);
      report.hidden = !over || !job.done;
      const sources = (job.sources ?? []).map(visible).join(", ");
      from.replaceChildren(`${t(`library.job_kind_${job.kind}`)}${sources ? " · " : ""}`, element("bdi", { text: sources }));
      bar.setAttribute("aria-valuetext", this.#summary(job));
      const known = COUNTS.filter((name) => job[name] > 0).map((name) => t(`library.count_${name}`, { count: job[name] }));
      const read = job.pages?.["done"] ? [t("library.job_pages", { count: job.pages["done"] })] : [];
      counts.textContent = [progressOf(job), ...known, ...read].join(" · ");
      pace.textContent = over ? (job.error ? errorText(new ServiceError(job.error.code)).title : "") : paceOf(job);
      pace.hidden = !pace.textContent;
      failed.update(job);
    };
    return { card, update };
  }

  /**
   * @param {() => Promise<void>} work
   * @param {HTMLElement} problem
   */
  async #try(work, problem) {
    problem.hidden = true;
    try {
      await work();
    } catch (error) {
      problem.textContent = errorText(error).title;
      problem.hidden = false;
    }
  }

  /**
   * @param {() => Job} latest
   * @returns {{shown: HTMLElement, update: (job: Job) => void}}
   */
  #failures(latest) {
    const summary = element("summary");
    const rows = element("tbody");
    const save = button(t("library.failures_csv"), { class: "quiet", icon: "down", on: { click: () => saveCsv(latest(), this.watch) } });
    const table = element(
      "table",
      {},
      element("caption", { class: "visually-hidden", text: t("library.failures_caption") }),
      element(
        "thead",
        {},
        element("tr", {}, element("th", { scope: "col", text: t("library.failure_where") }), element("th", { scope: "col", text: t("library.failure_why") })),
      ),
      rows,
    );
    const scroll = element("div", { class: "job-failures", tabindex: 0, role: "region", "aria-label": t("library.failures_caption") }, table);
    const causes = element("ul", { class: "job-causes", "aria-label": t("library.causes") });
    const shown = element("details", { hidden: true }, summary, causes, scroll, save);
    let written = 0;
    const explain = async () => {
      const found = await api.jobCauses(latest().id).catch(() => []);
      causes.replaceChildren(...found.filter(({ status }) => status === "failed").map((cause) => element("li", { text: causeText(cause) })));
    };
    const write = () => {
      const failures = this.watch.failuresOf(latest());
      for (const failure of failures.slice(written)) {
        rows.append(
          element("tr", {}, element("td", {}, element("bdi", { text: visible(failure.location) })), element("td", { text: reasonOf(failure) })),
        );
      }
      written = Math.max(written, failures.length);
    };
    shown.addEventListener("toggle", async () => {
      if (!shown.open) return;
      void explain();
      if (ended(latest()) && this.watch.failuresOf(latest()).length < latest().failed) {
        await this.watch.loadFailures(latest()).catch(() => []);
        [written] = [0];
        rows.replaceChildren();
      }
      write();
    });
    const update = (/** @type {Job} */ job) => {
      shown.hidden = job.failed === 0;
      summary.textContent = t("library.failures", { count: job.failed });
      if (shown.open) write();
      if (shown.open && ended(job)) void explain();
    };
    return { shown, update };
  }
}

/**
 * @param {Job} job
 * @returns {string} How many are done, and of how many where that is known.
 */
function progressOf({ done, total }) {
  if (total === null) return t("library.job_so_far", { count: done });
  return t("library.job_progress_of", { done: formatNumber(done), count: total });
}

/**
 * @param {api.Cause} cause
 * @returns {string}
 */
function causeText({ code, http_status: status, count }) {
  const told = `${formatNumber(count)} × ${errorText(new ServiceError(code)).title}`;
  return status ? `${told} (HTTP ${status})` : told;
}

/**
 * @param {Job} job
 * @returns {string} How fast it goes and how long it takes yet; nothing before that can be told.
 */
function paceOf(job) {
  if (job.state === "queued") return t("library.job_waits");
  if (!job.started_at || !job.done || !job.seconds) return t("library.job_begins");
  const rate = job.rate || job.done / job.seconds;
  const rateText = t("library.job_rate", { rate: formatNumber(rate, { maximumSignificantDigits: 2 }) });
  const left = job.eta_s ?? (job.total ? (job.total - job.done) / rate : null);
  return left === null ? rateText : `${rateText} · ${t("library.job_left", { time: duration(left) })}`;
}

/**
 * @param {number} seconds
 * @returns {string} In the largest unit that says enough.
 */
function duration(seconds) {
  const [unit, size] = seconds < 90 ? ["second", 1] : seconds < 5400 ? ["minute", 60] : ["hour", 3600];
  const value = Math.max(1, Math.round(seconds / Number(size)));
  return formatNumber(value, { style: "unit", unit: String(unit), unitDisplay: "long" });
}

/**
 * @param {Job} job
 * @param {Watch} watch
 */
async function saveCsv(job, watch) {
  const known = watch.failuresOf(job);
  const failures = known.length < job.failed ? await watch.loadFailures(job).catch(() => known) : known;
  // A leading sign would make a spreadsheet compute; an apostrophe makes it text.
  const cell = (/** @type {string} */ text) => `"${text.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const head = [t("library.failure_where"), t("library.failure_code"), t("library.failure_why")];
  const rows = failures.map((failure) => [failure.location, failure.code, reasonOf(failure)]);
  const text = [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n");
  // The mark at the start tells spreadsheets that it is UTF-8.
  const address = URL.createObjectURL(new Blob([`\u{FEFF}${text}\r\n`], { type: "text/csv;charset=utf-8" }));
  element("a", { href: address, download: `echo-image-failures-${job.id.slice(0, 8)}.csv` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
