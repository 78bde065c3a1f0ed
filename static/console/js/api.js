// JSON of our own host. Errors carry the Chinese sentence the platform gave.

const ROOT = "/console/api";

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

async function reach(path, options) {
  let response;
  try {
    response = await fetch(ROOT + path, { credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "与平台的连接中断");
  }
  if (response.status === 401) {
    location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
  }
  return response;
}

async function ask(path, options) {
  const response = await reach(path, options);
  const isJson = (response.headers.get("Content-Type") ?? "").startsWith("application/json");
  const content = isJson ? await response.json() : {};
  if (!response.ok) throw new ApiError(response.status, content.message ?? `平台应答 ${response.status}`);
  return content;
}

export function get(path, parameters = {}, options = {}) {
  const query = new URLSearchParams(Object.entries(parameters).filter(([, value]) => value !== null && value !== ""));
  return ask(query.size ? `${path}?${query}` : path, options);
}

// A body that is read while it comes.
export async function stream(path, parameters, options = {}) {
  const response = await reach(`${path}?${new URLSearchParams(parameters)}`, options);
  if (!response.ok) throw new ApiError(response.status, `平台应答 ${response.status}`);
  return response.body.getReader();
}

export function post(path, body, options = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRFToken": token() };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}
