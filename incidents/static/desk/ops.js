/* Everything that is pressed becomes an op and goes through POST /api/v1/sync/ops, as from every client. */

const API = "/api/v1/";

/** A random UUID, version 4; crypto.randomUUID is not there on plain http in a LAN. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

const cookie = (name) => document.cookie.split("; ").find((part) => part.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";

async function post(body) {
  return fetch(`${API}sync/ops`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken"), "Gridgov-Protocol": "1" },
    body: JSON.stringify(body),
  });
}

/** Sends one op, whole with op_id and at. The answer of the server; {outcome: "unreachable"} where there is none, {outcome: "signed-out"} where nobody is signed in.
    The same op id is sent again where the answer was lost, so nothing is done twice. */
export async function send(whole) {
  for (let tries = 0; tries < 3; tries += 1) {
    try {
      const response = await post({ ops: [whole] });
      const told = await response.json();
      if (response.ok && told.answers?.[0]?.op_id === whole.op_id) {
        if (told.answers[0].outcome !== "retry") return told.answers[0];
      } else if (response.status === 401) {
        return { outcome: "signed-out", message: told.detail };
      } else if (told.code === "csrf_failed") {
        await fetch(`${API}me`);
      } else if (response.status < 500 && response.status !== 429) {
        return { outcome: "refused", code: told.code, message: told.detail };
      }
    } catch {
      // no line, or no JSON: tried again below
    }
    await new Promise((resolve) => setTimeout(resolve, 300 * (tries + 1)));
  }
  return { outcome: "unreachable" };
}
