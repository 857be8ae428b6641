// @ts-check
/** What an image is called: a library knows locations, people know names. */

/**
 * @param {{location: string}} image
 * @returns {string} The last part of its location, as a person would write it.
 */
export function nameOf({ location }) {
  const path = location.replace(/[?#].*$/, "").replace(/[\\/]+$/, "");
  const last = path.split(/[\\/]/).at(-1) || location;
  try {
    return decodeURIComponent(last);
  } catch {
    return last; // a lone per cent sign
  }
}
