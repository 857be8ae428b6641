// @ts-check
/** What was dropped or chosen → image files in requests that the service takes, and lists → web addresses. */

/** @typedef {{max_upload_bytes: number, max_request_bytes: number, max_files: number, max_urls: number}} Limits */
/** @typedef {{batches: File[][], tooLarge: File[], others: File[]}} Sorted */

/** By name, as browsers do not know the type of all that the service reads. */
const IMAGES = /\.(avif|bmp|gif|heic|heif|jfif|jpe|jpeg|jpg|png|tif|tiff|webp)$/i;
const ADDRESS = /https?:\/\/[^\s"'<>]+/gi;
/** Files that no folder was made for. */
const UNMEANT = /^(\.|Thumbs\.db$|desktop\.ini$)/i;
/** Most addresses in one job; a longer list becomes several. */
const LIST_URLS = 5_000;

/**
 * @param {DataTransfer} data To be read before the event is over; only the folders take longer.
 * @returns {Promise<File[]>} Every file in it, those of folders as well.
 */
export async function droppedFiles(data) {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...data.files];
  if (!entries.some((entry) => entry?.isDirectory)) return plain;
  const found = await Promise.all(entries.filter((entry) => entry !== null).map(filesOf));
  return found.flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>} What cannot be read is left out.
 */
async function filesOf(entry) {
  if (entry.isFile) {
    const file = /** @type {FileSystemFileEntry} */ (entry);
    return new Promise((resolve) => file.file((one) => resolve([one]), () => resolve([])));
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {File[]} */
  const found = [];
  for (;;) {
    /** A folder is handed out in pieces, and an empty piece is its end. @type {FileSystemEntry[]} */
    const piece = await new Promise((resolve) => reader.readEntries(resolve, () => resolve([])));
    if (!piece.length) return found;
    for (const inner of piece) found.push(...(await filesOf(inner)));
  }
}

/**
 * Sort files into requests within the limits. What all requests take together is not limited.
 * @param {File[]} files
 * @param {Limits} limits
 * @returns {Sorted} `tooLarge` cannot be sent, `others` are no images.
 */
export function sorted(files, limits) {
  const meant = files.filter((file) => !UNMEANT.test(file.name));
  const images = meant.filter((file) => file.type.startsWith("image/") || IMAGES.test(file.name));
  /** @type {File[][]} */
  const batches = [];
  // What a form needs around its files is within a hundredth of it.
  const most = Math.max(limits.max_upload_bytes, Math.floor(limits.max_request_bytes * 0.99));
  let room = 0;
  let places = 0;
  for (const file of images.filter(({ size }) => size <= limits.max_upload_bytes)) {
    if (!batches.length || file.size > room || places === 0) {
      batches.push([]);
      [room, places] = [most, limits.max_files];
    }
    batches.at(-1)?.push(file);
    room -= file.size;
    places -= 1;
  }
  return {
    batches,
    tooLarge: images.filter(({ size }) => size > limits.max_upload_bytes),
    others: meant.filter((file) => !images.includes(file)),
  };
}

/**
 * @param {File} file
 * @returns {boolean} Whether it is a list of addresses and no image.
 */
export function isList(file) {
  return /\.(txt|json|csv|tsv|list)$/i.test(file.name) || /^(text\/|application\/json)/.test(file.type);
}

/**
 * @param {string} text Lines, JSON or CSV; whatever stands around the addresses is passed over.
 * @returns {string[]} Each once, in order.
 */
export function addressesIn(text) {
  return [...new Set(fromJson(text) ?? fromText(text))];
}

/**
 * @param {string} text What was typed.
 * @returns {string[]} Lines that look as if an address was meant, without being one.
 */
export function mistyped(text) {
  if (fromJson(text)) return [];
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter((line) => /^[^\s,;]+[./][^\s,;]+$/.test(line) && !addressesIn(line).length);
}

/**
 * @param {string} text
 * @returns {string[] | null} null where it is no JSON. Only there are escapes such as `\/` undone.
 */
function fromJson(text) {
  if (!/^\s*[[{]/.test(text)) return null;
  /** @type {string[]} */
  const found = [];
  const walk = (/** @type {unknown} */ value) => {
    if (typeof value === "string" && /^https?:\/\//i.test(value.trim())) found.push(value.trim());
    else if (value && typeof value === "object") Object.values(value).forEach(walk);
  };
  try {
    walk(JSON.parse(text));
  } catch {
    return null;
  }
  return found;
}

/**
 * @param {string} text
 * @returns {string[]}
 */
function fromText(text) {
  return text.split(/\r?\n/).flatMap((line) => {
    const trimmed = line.trim();
    // A line that is an address is taken whole: it may have commas. In a table, a comma ends the cell.
    if (/^https?:\/\/\S+$/i.test(trimmed) && !/[,;\t]\s*https?:/i.test(trimmed)) return [trimmed.replace(/[,;]+$/, "")];
    return (trimmed.match(ADDRESS) ?? []).flatMap((found) => found.split(/[,;](?=https?:)/i)).map(cell);
  });
}

/** @param {string} found */
function cell(found) {
  return found.replace(/[,;].*$/, "");
}

/**
 * @param {string[]} urls
 * @returns {string[][]} In pieces that a job takes.
 */
export function pieces(urls) {
  /** @type {string[][]} */
  const made = [];
  for (let at = 0; at < urls.length; at += LIST_URLS) made.push(urls.slice(at, at + LIST_URLS));
  return made;
}
