/* The desk's wiring: queue left, case right, the socket, the keys, the address. Without it all links still work as pages. */
import { makeCase } from "./case.js";
import { atMostEvery, follow } from "./live.js";
import { makeQueue } from "./queue.js";

const words = document.getElementById("words").dataset;
const queueRoot = document.getElementById("queue");
const caseRoot = document.getElementById("case");
const live = document.getElementById("live");

function showLine(state) {
  live.dataset.state = state;
  const text = { live: words.live, closed: words.closed, "signed-out": words.signedOut }[state] ?? words.connecting;
  const shown = live.querySelector("span");
  if (state === "signed-out") {
    const link = document.createElement("a");
    link.href = `/login/?next=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = text;
    shown.replaceChildren(link);
  } else if (shown.textContent !== text) {
    shown.textContent = text;
  }
}

const onSignedOut = () => showLine("signed-out");
const shownCase = makeCase({ root: caseRoot, words, onChanged: () => renewAll(), onSignedOut });
const queue = makeQueue({ root: queueRoot, words, currentCase: () => shownCase.id() });

const renewAll = atMostEvery(400, async () => {
  try {
    const [status] = await Promise.all([queue.refresh(), shownCase.refresh()]);
    if (status === 401) onSignedOut();
  } catch {
    // no line: the socket says so, and comes back with a position
  }
});

// --- going about ---------------------------------------------------------------------------------------------------

const caseIn = (path) => path.match(/^\/desk\/cases\/([0-9a-f-]{36})\/$/)?.[1] ?? "";

async function openCase(href, { push = true } = {}) {
  const url = new URL(href, location.href);
  const key = caseIn(url.pathname);
  if (!(await shownCase.open(key))) {
    location.assign(href);
    return;
  }
  document.body.classList.add("has-case");
  if (push) history.pushState({}, "", url);
  queue.mark(key);
  caseRoot.scrollIntoView?.({ block: "nearest" });
}

async function openQueue(href, { push = true } = {}) {
  if (!(await queue.open(new URL(href, location.href).pathname + new URL(href, location.href).search))) {
    location.assign(href);
    return;
  }
  if (push) history.pushState({}, "", href);
}

document.addEventListener("click", (event) => {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button) return;
  const link = event.target.closest("a");
  if (event.target.closest("[data-role=fresh]")) queue.showWaiting();
  if (!link) return;
  if (link.dataset.role === "photo") {
    event.preventDefault();
    const viewer = document.getElementById("viewer");
    viewer.querySelector("img").src = link.href;
    viewer.showModal();
  } else if (link.dataset.role === "back" && document.body.classList.contains("has-case")) {
    event.preventDefault();
    document.body.classList.remove("has-case");
    const list = queueRoot.querySelector("[data-role=lines]").dataset;
    history.pushState({}, "", `/desk/?queue=${list.queue}${list.q ? `&q=${encodeURIComponent(list.q)}` : ""}`);
  } else if (caseIn(new URL(link.href).pathname) && queueRoot.contains(link)) {
    event.preventDefault();
    openCase(link.href);
  } else if (link.dataset.queue) {
    event.preventDefault();
    openQueue(link.href);
  }
});
addEventListener("popstate", () => {
  const key = caseIn(location.pathname);
  document.body.classList.toggle("has-case", Boolean(key));
  if (key && key !== shownCase.id()) openCase(location.href, { push: false });
});

// --- keys ----------------------------------------------------------------------------------------------------------

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, textarea, select, dialog") || document.querySelector("dialog[open]")) {
    if (event.key === "Escape") event.target.blur?.();
    return;
  }
  if (event.key === "j" || event.key === "k") {
    const next = queue.neighbour(event.key === "j" ? 1 : -1);
    if (next) {
      next.focus();
      openCase(next.href);
    }
  } else if (event.key === "/") {
    document.getElementById("q").focus();
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  } else if (!shownCase.press(event.key)) {
    return;
  }
  event.preventDefault();
});
document.getElementById("help").addEventListener("click", () => document.getElementById("keys").showModal());

// --- live ----------------------------------------------------------------------------------------------------------

const scheme = location.protocol === "https:" ? "wss" : "ws";
follow({ url: `${scheme}://${location.host}/ws/changes/`, onNews: renewAll, onState: showLine });
