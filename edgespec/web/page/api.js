// What the server answers to a question, and what it does when it is asked to.

/** A refusal, in the server's words. */
export class Refusal extends Error {
  constructor(status, words) { super(words); this.status = status; }
}

let csrf = null;

/** Say with what a change is to be signed: what /api/node says. */
export function sign(token) { csrf = token; }

async function answer(path, options) {
  let response;
  try { response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options }); }
  catch { throw new Refusal(0, "The server does not answer: is the observer running?"); }
  let body = null;
  try { body = await response.json(); } catch { /* A proxy may answer in its own words. */ }
  if (response.ok) return body;
  const words = [body?.error ?? `The server refused it (${response.status})`, body?.accepted].filter(Boolean).join("; ");
  throw new Refusal(response.status, words);
}

/** Return what is at a path. */
export const get = (path, query = {}) => {
  const asked = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== null && value !== undefined));
  return answer(asked.size ? `${path}?${asked}` : path, {});
};

/** Ask for a change. */
export const post = (path, body = {}) => answer(path, {
  method: "POST",
  headers: { "Content-Type": "application/json", ...(csrf ? { "X-CSRF-Token": csrf } : {}) },
  body: JSON.stringify(body),
});
