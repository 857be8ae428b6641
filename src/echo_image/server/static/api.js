// @ts-check
/**
 * The calls of the HTTP interface that the page makes. Addresses are relative, so the page also works where a
 * proxy serves it under a path.
 */

/**
 * @typedef {{kind: "file", file: File} | {kind: "url", url: string}} Query
 * @typedef {{words: string[]}} Transform
 * @typedef {{
 *   rank: number, id: string, location: string, locations: string[], score: number, similarity: number,
 *   verdict: string, inliers: number, transform: Transform,
 * }} Match
 * @typedef {{
 *   query: {width: number, height: number, quality: number},
 *   took_ms: number, candidates: number, matches: Match[], note: string,
 * }} Answer
 */

/** What went wrong, in the words of the service. */
export class ServiceError extends Error {
  /**
   * @param {string} message
   * @param {string} hint
   * @param {string} requestId
   */
  constructor(message, hint, requestId) {
    super(message);
    this.hint = hint;
    this.requestId = requestId;
  }
}

/**
 * @param {string} path
 * @param {RequestInit} [init]
 * @returns {Promise<Response>} An answer with status 2xx.
 */
async function call(path, init) {
  let response;
  try {
    response = await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ServiceError("The service does not answer.", "See whether it is still running, then try again.", "");
  }
  if (response.ok) return response;
  let told = { message: `The service answered with status ${response.status}.`, hint: "", request_id: "" };
  try {
    told = { ...told, ...(await response.json()).error };
  } catch {
    // A proxy in between answers in its own words; the status has to do.
  }
  throw new ServiceError(told.message, told.hint, told.request_id);
}

/**
 * @param {Query} query
 * @param {Record<string, string>} more
 * @returns {FormData}
 */
function form(query, more) {
  const data = new FormData();
  if (query.kind === "file") data.append("file", query.file, query.file.name || "pasted");
  else data.append("url", query.url);
  for (const [name, value] of Object.entries(more)) if (value) data.append(name, value);
  return data;
}

/**
 * @param {Query} query
 * @param {string} library
 * @param {AbortSignal} signal
 * @returns {Promise<Answer>}
 */
export async function search(query, library, signal) {
  const response = await call("api/v1/search", { method: "POST", body: form(query, { library }), signal });
  return response.json();
}

/**
 * @param {Query} query
 * @param {string} matchId
 * @param {string} library
 * @param {AbortSignal} signal
 * @returns {Promise<Blob>} A PNG.
 */
export async function evidence(query, matchId, library, signal) {
  const body = form(query, { match_id: matchId, library });
  const response = await call("api/v1/evidence", { method: "POST", body, signal });
  return response.blob();
}

/** @returns {Promise<string[]>} */
export async function libraries() {
  const response = await call("api/v1/libraries");
  const answer = await response.json();
  return answer.libraries.map((/** @type {{name: string}} */ library) => library.name);
}

/**
 * @param {string} id
 * @param {string} library
 * @returns {string}
 */
export function thumbnailUrl(id, library) {
  const named = library ? `?library=${encodeURIComponent(library)}` : "";
  return `api/v1/images/${encodeURIComponent(id)}/thumbnail${named}`;
}
