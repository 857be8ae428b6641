// @ts-check
/**
 * The jobs of the service, kept up to date. Jobs run one after the other and a browser opens few connections to one
 * host, so only the one that runs is listened to.
 */

import * as api from "../shared/api.js";

/** @typedef {import("../shared/api.js").Job} Job */
/** @typedef {import("../shared/api.js").Failure} Failure */

const AGAIN_MS = 3000;

/**
 * @param {Job} job
 * @returns {boolean}
 */
export function ended({ state }) {
  return state === "done" || state === "failed" || state === "cancelled";
}

export class Watch {
  /**
   * @param {(jobs: Job[]) => void} onChange Newest first.
   * @param {(job: Job) => void} onEnd One has ended while it was watched.
   */
  constructor(onChange, onEnd) {
    this.onChange = onChange;
    this.onEnd = onEnd;
    /** @type {Map<string, Job>} */
    this.jobs = new Map();
    /** @type {Map<string, Failure[]>} */
    this.failures = new Map();
    /** @type {EventSource | null} */
    this.source = null;
    this.watched = "";
    this.timer = 0;
  }

  /** Ask for all jobs anew. */
  async refresh() {
    const jobs = await api.jobs();
    this.jobs = new Map(jobs.map((job) => [job.id, job]));
    this.#changed();
  }

  /** @param {Job} job One that this page has started. */
  add(job) {
    this.jobs.set(job.id, job);
    this.#changed();
  }

  /** @param {Job} job */
  async cancel(job) {
    await api.cancelJob(job.id);
    if (ended(job)) this.jobs.delete(job.id);
    this.#changed();
  }

  /**
   * @param {Job} job One that is over.
   * @param {"resume" | "retry"} how
   */
  async goOn(job, how) {
    const begun = await api.goOn(job.id, how);
    this.failures.delete(job.id);
    this.add(begun);
  }

  /** Take all jobs that have ended off the list. */
  async clear() {
    const over = [...this.jobs.values()].filter(ended);
    await Promise.all(over.map((job) => api.cancelJob(job.id).catch(gone)));
    for (const { id } of over) this.jobs.delete(id);
    this.#changed();
  }

  /**
   * @param {Job} job
   * @returns {Failure[]} Those known so far.
   */
  failuresOf(job) {
    return this.failures.get(job.id) ?? job.failures ?? [];
  }

  /**
   * @param {Job} job
   * @returns {Promise<Failure[]>} The first 1,000.
   */
  async loadFailures(job) {
    const { failures = [] } = await api.job(job.id);
    this.failures.set(job.id, failures);
    return failures;
  }

  close() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    this.watched = "";
  }

  #changed() {
    const all = [...this.jobs.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
    this.onChange(all);
    const running = all.find(({ state }) => state === "running") ?? all.filter((job) => !ended(job)).at(-1);
    if (running?.id !== this.watched) this.#listen(running?.id ?? "");
  }

  /** @param {string} id */
  #listen(id) {
    this.close();
    this.watched = id;
    if (!id) return;
    this.failures.delete(id); // a new listener is told all of them from the first
    const source = new EventSource(api.jobEventsUrl(id));
    this.source = source;
    source.addEventListener("progress", (event) => this.#told(event.data));
    source.addEventListener("failure", (event) => {
      const known = this.failures.get(id) ?? [];
      known.push(JSON.parse(event.data));
      this.failures.set(id, known);
    });
    source.addEventListener("end", (event) => {
      source.close();
      const over = ended(JSON.parse(event.data));
      // A service that stops lets go of a job that is to go on: it is asked again when it may be back.
      if (over) this.watched = "";
      const job = this.#told(event.data);
      if (over) this.onEnd(job);
      else this.#later(id);
    });
    source.addEventListener("error", () => {
      // The browser connects again by itself, except where the service refused.
      if (source.readyState !== EventSource.CLOSED || this.source !== source) return;
      this.#later(id);
    });
  }

  /** @param {string} id Of the job to listen to again. */
  #later(id) {
    this.timer = setTimeout(() => {
      this.watched = "";
      void this.refresh().catch(() => this.#listen(id));
    }, AGAIN_MS);
  }

  /**
   * @param {string} data
   * @returns {Job}
   */
  #told(data) {
    const job = /** @type {Job} */ (JSON.parse(data));
    this.jobs.set(job.id, job);
    if (job.failures?.length) this.failures.set(job.id, job.failures);
    this.#changed();
    return job;
  }
}

/** @param {unknown} error Forgotten by somebody else in the meantime is forgotten. */
function gone(error) {
  if (!(error instanceof api.ServiceError) || error.code !== "not_found") throw error;
}
