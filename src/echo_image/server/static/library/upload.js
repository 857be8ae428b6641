// @ts-check
/** Uploads with progress, one request after the other; a service that has its hands full is waited for. */

import * as api from "../shared/api.js";

/**
 * @typedef {{sent: number, total: number, bytes: number, allBytes: number, waiting: boolean}} Progress Files and bytes.
 */

const API = "api/v1/";
const TRIES = 20;

/**
 * Send batches of files; each becomes a job.
 * @param {File[][]} batches
 * @param {string} library
 * @param {{progress: (progress: Progress) => void, job: (job: api.Job) => void, signal: AbortSignal}} about
 */
export async function upload(batches, library, { progress, job, signal }) {
  const all = batches.flat();
  const now = { sent: 0, total: all.length, bytes: 0, allBytes: size(all), waiting: false };
  for (const files of batches) {
    const before = now.bytes;
    const body = new FormData();
    body.append("kind", "add");
    if (library) body.append("library", library);
    for (const file of files) body.append("file", file, file.name || "image");
    const made = await patiently(
      () =>
        send(body, signal, (share) => {
          now.bytes = before + size(files) * share;
          now.waiting = false;
          progress({ ...now });
        }),
      signal,
      () => progress({ ...now, bytes: before, waiting: true }),
    );
    now.sent += files.length;
    now.bytes = before + size(files);
    progress({ ...now });
    job(made);
  }
}

/**
 * Start jobs for lists of addresses.
 * @param {string[][]} lists
 * @param {string} library
 * @param {{job: (job: api.Job) => void, signal: AbortSignal, waiting: () => void}} about
 */
export async function sendLists(lists, library, { job, signal, waiting }) {
  for (const urls of lists) {
    // As a file and not as a field: a field is limited to what a person types.
    const list = new File([urls.join("\n")], "list.txt", { type: "text/plain" });
    const asked = { list, ...(library ? { library } : {}) };
    job(await patiently(() => api.startJob(asked, signal), signal, waiting));
  }
}

/** @param {File[]} files */
function size(files) {
  return files.reduce((sum, file) => sum + file.size, 0);
}

/**
 * @template T
 * @param {() => Promise<T>} work
 * @param {AbortSignal} signal
 * @param {() => void} waiting
 * @returns {Promise<T>}
 */
async function patiently(work, signal, waiting) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const known = error instanceof api.ServiceError ? error : null;
      if (known?.code === "unauthorized" && tries === 1) await api.jobs(signal); // asks for the key
      else if (!known || !["overloaded", "too_many_requests"].includes(known.code) || tries >= TRIES) throw error;
      else {
        waiting();
        await pause(1000 * Math.min(known.retryAfter ?? 2, 30), signal);
      }
    }
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(new DOMException("", "AbortError"));
    });
  });
}

/**
 * `fetch` does not tell how much of a body is sent; XMLHttpRequest does.
 * @param {FormData} body
 * @param {AbortSignal} signal
 * @param {(share: number) => void} onShare 0–1.
 * @returns {Promise<api.Job>}
 */
function send(body, signal, onShare) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `${API}jobs`);
    request.responseType = "json";
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onShare(event.loaded / event.total);
    });
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300 && request.response) resolve(request.response);
      else reject(problem(request));
    });
    request.addEventListener("error", () => reject(new api.ServiceError("unreachable")));
    request.addEventListener("abort", () => reject(new DOMException("", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    if (signal.aborted) reject(new DOMException("", "AbortError"));
    else request.send(body);
  });
}

/**
 * @param {XMLHttpRequest} request
 * @returns {api.ServiceError}
 */
function problem(request) {
  const told = request.response?.error ?? {};
  const seconds = Number.parseInt(request.getResponseHeader("Retry-After") ?? "", 10);
  return new api.ServiceError(String(told.code ?? (request.status === 503 ? "overloaded" : "bad_answer")), {
    message: String(told.message ?? request.status),
    requestId: String(told.request_id ?? request.getResponseHeader("X-Request-ID") ?? ""),
    retryAfter: Number.isFinite(seconds) ? seconds : null,
    status: request.status,
  });
}
