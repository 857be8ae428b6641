// @ts-check
/** The page of the HTTP interface: openapi.json, shown. */

import { element } from "../shared/dom.js";
import * as shell from "../shared/shell.js";

/**
 * @typedef {{
 *   $ref?: string, type?: string, format?: string, title?: string, description?: string, default?: unknown,
 *   enum?: string[], items?: Schema, anyOf?: Schema[], properties?: Record<string, Schema>, required?: string[],
 *   minimum?: number, maximum?: number,
 * }} Schema
 * @typedef {{name: string, required?: boolean, description?: string, schema: Schema}} Parameter
 * @typedef {{description?: string, content?: Record<string, {schema?: Schema}>}} Body
 * @typedef {{
 *   tags?: string[], summary?: string, description?: string, parameters?: Parameter[], requestBody?: Body,
 *   responses: Record<string, Body>,
 * }} Call
 * @typedef {{paths: Record<string, Record<string, Call>>, components?: {schemas?: Record<string, Schema>}}} Document
 */

/**
 * @param {Schema | undefined} schema
 * @param {Document} all
 * @returns {Schema}
 */
function resolved(schema, all) {
  const name = schema?.$ref?.split("/").at(-1);
  return (name ? all.components?.schemas?.[name] : schema) ?? {};
}

/**
 * @param {Schema} schema
 * @returns {string} The type in words.
 */
function kind(schema) {
  if (schema.$ref) return "object";
  if (schema.anyOf) return [...new Set(schema.anyOf.filter((one) => one.type !== "null").map(kind))].join(" or ");
  if (schema.enum) return schema.enum.join(" or ");
  if (schema.format === "binary") return "file";
  if (schema.type === "array") return schema.items ? `list of ${kind(schema.items)}` : "list";
  return schema.type ?? "any";
}

/**
 * @param {string} text
 * @returns {Node[]} The text, with what stands between backticks as code.
 */
function prose(text) {
  return text.split("`").map((piece, i) => (i % 2 ? element("code", { text: piece }) : new Text(piece)));
}

/**
 * @param {[string, string, string][]} rows
 * @returns {HTMLElement}
 */
function table(rows) {
  const made = element("table");
  for (const [name, type, about] of rows) {
    const head = element("th", {}, element("code", { text: name }));
    head.setAttribute("scope", "row");
    made.append(element("tr", {}, head, element("td", { text: type }), element("td", {}, ...prose(about))));
  }
  return element("div", { class: "scroll" }, made);
}

/**
 * @param {Schema} schema
 * @param {Document} all
 * @param {string} [prefix] Where the fields are inside: `matches[].transform.`
 * @returns {[string, string, string][]} Name, type and meaning of each field, those inside others after them.
 */
function fields(schema, all, prefix = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, one]) => {
    const options = one.anyOf ?? [one];
    const inner = options.map((option) => option.items ?? option).find((option) => option.$ref);
    const listed = options.some((option) => option.items) ? "[]" : "";
    const about = one.description ?? options.find((option) => option.description)?.description ?? "";
    /** @type {[string, string, string]} */
    const row = [prefix + name, kind(one), about];
    return inner ? [row, ...fields(resolved(inner, all), all, `${prefix}${name}${listed}.`)] : [row];
  });
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Call} call
 * @param {Document} all
 * @returns {string} A command that makes the call, with the files or else the fields that say what it is about.
 */
function command(method, path, call, all) {
  const schema = resolved(Object.values(call.requestBody?.content ?? {})[0]?.schema, all);
  const needed = schema.required ?? [];
  const given = Object.entries(schema.properties ?? {});
  // "images[0]" and a list of addresses are other ways to send the same.
  const files = given.filter(([name, one]) => /\bfile\b/.test(kind(one)) && name !== "list" && !name.includes("["));
  const parts = files.map(([name]) => `-F ${name}=@photo.jpg`);
  const sent = files.map(([name]) => name);
  for (const [name] of given) {
    const meant = needed.includes(name) || (!files.length && /^(url|filepath)$/.test(name));
    if (meant && !sent.includes(name)) parts.push(`-F ${name}=…`);
  }
  const parameters = (call.parameters ?? []).filter(({ name }) => !path.includes(`{${name}}`));
  const one = parameters.find(({ name }) => name === "url") ?? parameters.find(({ name }) => name === "filepath");
  const query = parameters.filter((given) => given.required || given === one || /^url[12]$/.test(given.name));
  const search = query.length ? `?${query.map(({ name }) => `${name}=…`).join("&")}` : "";
  const verb = method === "get" || (method === "post" && parts.length) ? [] : [`-X ${method.toUpperCase()}`];
  return ["curl", ...verb, ...parts, `'${location.origin}${path}${search}'`].join(" ");
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Call} call
 * @param {Document} all
 * @returns {HTMLElement}
 */
function entry(method, path, call, all) {
  const more = element("div", { class: "more" }, element("p", {}, ...prose(call.description ?? "")));
  more.append(element("pre", { class: "example", tabindex: 0 }, element("code", { text: command(method, path, call, all) })));
  const parameters = call.parameters ?? [];
  if (parameters.length) {
    more.append(element("h3", { text: "Parameters" }));
    more.append(table(parameters.map((one) => [one.name, kind(one.schema), one.description ?? ""])));
  }
  const bodies = Object.entries(call.requestBody?.content ?? {});
  const [first] = bodies;
  if (first) {
    more.append(element("h3", { text: `Body: ${bodies.map(([type]) => type).join(", ")}` }));
    more.append(table(fields(resolved(first[1].schema, all), all)));
  }
  for (const [type, body] of Object.entries(call.responses["200"]?.content ?? {})) {
    more.append(element("h3", { text: `Answer: ${type}` }));
    const rows = fields(resolved(body.schema, all), all);
    if (rows.length) more.append(table(rows));
  }
  return element(
    "details",
    { class: "call" },
    element(
      "summary",
      {},
      element("span", { class: "method", text: method.toUpperCase() }),
      element("span", { class: "path", text: path }),
      element("span", { class: "about", text: call.summary ?? "" }),
    ),
    more,
  );
}

async function show() {
  await shell.start("docs");
  const calls = document.getElementById("calls");
  const origin = document.getElementById("origin");
  if (!calls || !origin) return;
  origin.textContent = location.origin;
  const response = await fetch("openapi.json");
  /** @type {Document} */
  const all = await response.json();
  /** @type {Map<string, HTMLElement[]>} */
  const groups = new Map();
  for (const [path, methods] of Object.entries(all.paths)) {
    for (const [method, call] of Object.entries(methods)) {
      const name = call.tags?.[0] ?? "service";
      groups.set(name, [...(groups.get(name) ?? []), entry(method, path, call, all)]);
    }
  }
  calls.replaceChildren(
    ...[...groups].flatMap(([name, entries]) => [
      element("h2", { text: name.charAt(0).toUpperCase() + name.slice(1) }),
      ...entries,
    ]),
  );
}

void show();
