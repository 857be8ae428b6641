// @ts-check
/**
 * The calls of the HTTP interface that the pages make. Addresses are relative, so the pages also work where a
 * proxy serves them under a path.
 */

/**
 * @typedef {{kind: "file", file: File} | {kind: "url", url: string} | {kind: "image", id: string}
 *   | {kind: "kept", id: string}} Query
 * @typedef {[number, number, number, number]} Region x, y, width, height in px of the upright query.
 * @typedef {{code: string, values: number[]}} Change
 * @typedef {{
 *   homography: number[][], mirrored: boolean, rotation_deg: number, scale: number, words: string[],
 *   changes?: Change[],
 * }} Transform
 * @typedef {{
 *   width: number, height: number, format: string, bytes: number, added_at: string,
 *   attributes: Record<string, unknown>,
 * }} MatchedImage
 * @typedef {{
 *   rank: number, id: string, location: string, locations: string[], score: number, similarity: number,
 *   verdict: string, ssim: number, orb: number, inliers: number, query_overlap: number, match_overlap: number,
 *   transform: Transform, image?: MatchedImage,
 * }} Match
 * @typedef {{
 *   query: {width: number, height: number, quality: number, region?: Region | null, id?: string},
 *   took_ms: number, candidates: number, matches: Match[], note: string, note_code?: string,
 * }} Answer
 * @typedef {{
 *   limit?: number, min_score?: number, region?: Region | null, library?: string, keep?: boolean,
 *   verdicts?: string, location?: string, format?: string, min_side?: number, max_side?: number,
 *   added_after?: string, added_before?: string,
 * }} SearchOptions
 * @typedef {{
 *   id: string, name: string, width: number, height: number, url: string | null, image_id: string | null,
 *   kept_until: string,
 * }} KeptQuery
 * @typedef {{width: number, height: number, preview: {width: number, height: number, src: string}}} ExplainedImage
 * @typedef {{
 *   match: Match, query: ExplainedImage, image: ExplainedImage, points: [number, number, number, number][],
 *   outline: {query: [number, number][], match: [number, number][]},
 *   aligned: null | {width: number, height: number, query: string, match: string, similarity: string, mean: number},
 *   reasons: Change[],
 * }} Explanation
 * @typedef {{
 *   id: string, width: number, height: number, format: string, bytes: number, quality: number, features: number,
 *   location: string, locations: string[], added_at: string, attributes: Record<string, unknown>,
 * }} LibraryImage
 * @typedef {{location: string, code: string, reason: string}} Failure
 * @typedef {{
 *   id: string, library: string, kind: "add" | "crawl" | "recheck",
 *   state: "queued" | "running" | "interrupted" | "done" | "failed" | "cancelled",
 *   created_at: string, started_at: string | null, finished_at: string | null, total: number | null, done: number,
 *   added: number, updated: number, unchanged: number, skipped: number, failed: number, seconds: number,
 *   pending?: number, rate?: number, eta_s?: number | null, pages?: Record<string, number> | null,
 *   resumable?: boolean, sources?: string[],
 *   location: string | null, failures?: Failure[], error: null | {code: string, message: string, hint: string},
 * }} Job
 * @typedef {{status: string, code: string, http_status: number, count: number, retry: boolean}} Cause
 * @typedef {{name: string, images?: number, locations?: number}} LibraryInfo
 * @typedef {{
 *   version: string, originals: boolean, keys_required: boolean,
 *   limits: {
 *     max_upload_bytes: number, max_request_bytes: number, max_files: number, max_urls: number, search_limit: number, max_search_limit: number,
 *   },
 * }} About
 * @typedef {{required: boolean, name: string | null, scopes: string[]}} Session
 */

const API = "api/v1/";

/** What went wrong. The page shows its own sentence for `code`; `message` and `hint` are the service's English. */
export class ServiceError extends Error {
  /**
   * @param {string} code Of the service; or `unreachable` (no answer), `bad_answer` (another's answer).
   * @param {{
   *   message?: string, hint?: string, requestId?: string, retryAfter?: number | null, status?: number,
   * }} [about] `retryAfter` in seconds.
   */
  constructor(code, { message = "", hint = "", requestId = "", retryAfter = null, status = 0 } = {}) {
    super(message || code);
    this.code = code;
    this.hint = hint;
    this.requestId = requestId;
    this.retryAfter = retryAfter;
    this.status = status;
  }
}

/** @type {() => Promise<boolean>} */
let askForKey = async () => false;

/**
 * @param {() => Promise<boolean>} asker Gets a key from the user and sends it; whether the call may be tried again.
 */
export function onKeyNeeded(asker) {
  askForKey = asker;
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @param {boolean} [again] Whether a key may still be asked for.
 * @returns {Promise<Response>} An answer with status 2xx.
 */
async function call(path, init, again = true) {
  let response;
  try {
    response = await fetch(API + path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ServiceError("unreachable");
  }
  if (response.ok) return response;
  if (response.status === 401 && again && (await askForKey())) return call(path, init, false);
  throw await told(response);
}

/**
 * @param {Response} response
 * @returns {Promise<ServiceError>}
 */
async function told(response) {
  const { status } = response;
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const retryAfter = Number.isFinite(seconds) ? seconds : null;
  const requestId = response.headers.get("X-Request-ID") ?? "";
  try {
    const { error } = await response.json();
    return new ServiceError(String(error.code), {
      message: String(error.message),
      hint: String(error.hint ?? ""),
      requestId: String(error.request_id ?? requestId),
      retryAfter,
      status,
    });
  } catch {
    // A proxy in between answers in its own words; the status has to do.
    const code = status === 401 ? "unauthorized" : status === 503 ? "overloaded" : "bad_answer";
    return new ServiceError(code, { message: String(status), requestId, retryAfter, status });
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<any>}
 */
async function json(path, init) {
  const response = await call(path, init);
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ServiceError("bad_answer", { message: String(response.status) });
  }
}

/**
 * @param {Record<string, unknown>} values
 * @returns {string} As a query string with its "?", or nothing; what is undefined, null or empty is left out.
 */
function asked(values) {
  const pairs = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== "") pairs.append(name, String(value));
  }
  const text = pairs.toString();
  return text && `?${text}`;
}

/**
 * @param {Query} query
 * @param {Record<string, unknown>} more
 * @returns {FormData}
 */
function form(query, more) {
  const data = new FormData();
  if (query.kind === "file") data.append("file", query.file, query.file.name || "image");
  else if (query.kind === "url") data.append("url", query.url);
  else data.append(query.kind === "image" ? "image_id" : "query_id", query.id);
  for (const [name, value] of Object.entries(more)) {
    if (value !== undefined && value !== null && value !== "") data.append(name, String(value));
  }
  return data;
}

/**
 * @param {Query} query
 * @param {SearchOptions} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<Answer>}
 */
export async function search(query, options, signal) {
  return json("search", { method: "POST", body: form(query, options), signal: signal ?? null });
}

/**
 * @param {Query} query
 * @param {string} matchId
 * @param {{region?: Region | null, library?: string}} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<Explanation>}
 */
export async function explain(query, matchId, options, signal) {
  const body = form(query, { match_id: matchId, ...options });
  return json("explain", { method: "POST", body, signal: signal ?? null });
}

/**
 * @param {Query} query
 * @param {string} matchId
 * @param {{region?: Region | null, library?: string}} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>} A PNG of both side by side.
 */
export async function evidence(query, matchId, options, signal) {
  const body = form(query, { match_id: matchId, ...options });
  return (await call("evidence", { method: "POST", body, signal: signal ?? null })).blob();
}

/**
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<KeptQuery>}
 */
export async function keptQuery(id, signal) {
  return json(`queries/${encodeURIComponent(id)}`, { signal: signal ?? null });
}

/**
 * @param {string} id
 * @returns {string} The address of a JPEG, long side at most 1024 px.
 */
export function previewUrl(id) {
  return `${API}queries/${encodeURIComponent(id)}/preview`;
}

/**
 * @param {SearchOptions & {after?: string, order?: "oldest" | "newest"}} options
 * @param {AbortSignal} [signal]
 * @returns {Promise<{images: LibraryImage[], next: string | null}>}
 */
export async function listImages(options, signal) {
  return json(`images${asked(options)}`, { signal: signal ?? null });
}

/**
 * @param {string} id
 * @param {string} [library]
 * @param {AbortSignal} [signal]
 * @returns {Promise<LibraryImage>}
 */
export async function image(id, library, signal) {
  return json(`images/${encodeURIComponent(id)}${asked({ library })}`, { signal: signal ?? null });
}

/**
 * @param {string} id
 * @param {string} [library]
 */
export async function removeImage(id, library) {
  await call(`images/${encodeURIComponent(id)}${asked({ library })}`, { method: "DELETE" });
}

/**
 * @param {string} id
 * @param {string} [library]
 * @returns {string}
 */
export function thumbnailUrl(id, library) {
  return `${API}images/${encodeURIComponent(id)}/thumbnail${asked({ library })}`;
}

/**
 * @param {string} id
 * @param {string} [library]
 * @returns {string} Answers only where `about().originals`.
 */
export function originalUrl(id, library) {
  return `${API}images/${encodeURIComponent(id)}/original${asked({ library })}`;
}

/**
 * Begin to add images; the job tells how far it is.
 * @param {{files?: File[], urls?: string[], list?: string | File, library?: string}} given
 * @param {AbortSignal} [signal]
 * @returns {Promise<Job>}
 */
export async function startJob(given, signal) {
  const body = new FormData();
  body.append("kind", "add");
  for (const file of given.files ?? []) body.append("file", file, file.name || "image");
  for (const url of given.urls ?? []) body.append("urls", url);
  if (given.list !== undefined) body.append("list", given.list);
  if (given.library) body.append("library", given.library);
  return json("jobs", { method: "POST", body, signal: signal ?? null });
}

/**
 * Begin to read a web site; the job tells how far it is.
 * @param {{url: string, depth?: string, pages?: string, library?: string}} given
 * @returns {Promise<Job>}
 */
export async function startCrawl({ url, depth, pages, library }) {
  const body = new FormData();
  for (const [name, value] of Object.entries({ kind: "crawl", urls: url, depth, max_pages: pages, library })) {
    if (value) body.append(name, value);
  }
  return json("jobs", { method: "POST", body });
}

/**
 * @param {string} id
 * @param {"resume" | "retry"} how
 * @returns {Promise<Job>}
 */
export async function goOn(id, how) {
  return json(`jobs/${encodeURIComponent(id)}/${how}`, { method: "POST" });
}

/**
 * @param {string} id
 * @returns {Promise<Cause[]>} Most first.
 */
export async function jobCauses(id) {
  return (await json(`jobs/${encodeURIComponent(id)}/causes`)).causes;
}

/**
 * @param {string} id
 * @returns {string} Of a page.
 */
export function jobReportUrl(id) {
  return `${API}jobs/${encodeURIComponent(id)}/report.html`;
}

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<Job[]>}
 */
export async function jobs(signal) {
  return (await json("jobs", { signal: signal ?? null })).jobs;
}

/**
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<Job>}
 */
export async function job(id, signal) {
  return json(`jobs/${encodeURIComponent(id)}`, { signal: signal ?? null });
}

/**
 * @param {string} id
 * @returns {string} For an EventSource: `progress`, `failure` and `end` events.
 */
export function jobEventsUrl(id) {
  return `${API}jobs/${encodeURIComponent(id)}/events`;
}

/**
 * Cancel a job that runs, or forget one that has ended.
 * @param {string} id
 */
export async function cancelJob(id) {
  await call(`jobs/${encodeURIComponent(id)}`, { method: "DELETE" });
}

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<LibraryInfo[]>}
 */
export async function libraries(signal) {
  return (await json("libraries", { signal: signal ?? null })).libraries;
}

/** @returns {Promise<About>} */
export async function about() {
  return json("about");
}

/** @returns {Promise<Session>} */
export async function session() {
  return json("session");
}

/**
 * @param {string} key
 * @returns {Promise<Session>}
 */
export async function signIn(key) {
  const body = JSON.stringify({ key });
  const headers = { "Content-Type": "application/json" };
  return (await call("session", { method: "POST", body, headers }, false)).json();
}
