/* The queue on the left: stays current without moving under the reader; new cases flash, or wait behind "3 new cases ↑". */

const parse = (html) => new DOMParser().parseFromString(html, "text/html").body;

export function makeQueue({ root, words, currentCase }) {
  let waiting = null;

  const lines = () => root.querySelector("[data-role=lines]");
  const items = () => [...lines().children];
  const address = () => {
    const list = lines();
    const query = new URLSearchParams({ queue: list.dataset.queue, limit: String(Math.max(50, Math.min(200, items().length))) });
    if (list.dataset.q) query.set("q", list.dataset.q);
    const cursor = new URLSearchParams(location.search).get("cursor");
    if (cursor) query.set("cursor", cursor);
    return `/desk/part/queue/?${query}`;
  };
  const isScrolled = () => root.scrollTop > 8 || (getComputedStyle(root).overflowY === "visible" && window.scrollY > 120);

  function mark(id) {
    for (const link of root.querySelectorAll("[data-role=lines] a")) {
      if (link.parentElement.dataset.id === id) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
    for (const item of items()) if (item.classList.contains("gone") && item.dataset.id !== id) item.remove();
    sayEmpty();
  }

  function sayEmpty() {
    const empty = root.querySelector("[data-role=empty]");
    if (empty) empty.hidden = items().length > 0;
  }

  /** Brings the list to the state of `fresh`; with `hold` cases that are new above stay out. */
  function merge(fresh, { hold, flash }) {
    const list = lines();
    const have = new Map(items().map((item) => [item.dataset.id, item]));
    const wanted = [...fresh.querySelector("[data-role=lines]").children];
    const ids = new Set(wanted.map((item) => item.dataset.id));
    for (const [id, item] of have) {
      if (ids.has(id)) continue;
      if (id === currentCase()) item.classList.add("gone");
      else item.remove();
    }
    let held = 0;
    let place = list.firstElementChild;
    let top = true;
    for (const item of wanted) {
      const old = have.get(item.dataset.id);
      if (old) {
        top = false;
        const current = old.firstElementChild.getAttribute("aria-current");
        const focused = old.contains(document.activeElement);
        if (old.innerHTML !== item.innerHTML) old.innerHTML = item.innerHTML;
        Object.assign(old.dataset, item.dataset);
        old.classList.remove("gone");
        if (current) old.firstElementChild.setAttribute("aria-current", current);
        else old.firstElementChild.removeAttribute("aria-current");
        if (focused) old.firstElementChild.focus({ preventScroll: true });
        place = old.nextElementSibling;
      } else if (hold && top) {
        held += 1;
      } else {
        const added = document.importNode(item, true);
        if (flash) added.classList.add("arrived");
        if (added.dataset.id === currentCase()) added.firstElementChild.setAttribute("aria-current", "true");
        list.insertBefore(added, place);
      }
    }
    const tabs = fresh.querySelector("[data-region=tabs]");
    const shown = root.querySelector("[data-region=tabs]");
    if (shown.innerHTML !== tabs.innerHTML) shown.innerHTML = tabs.innerHTML;
    const button = root.querySelector("[data-role=fresh]");
    waiting = held ? fresh : null;
    button.hidden = !held;
    button.textContent = held ? `${held} ${words.fresh} ↑` : "";
    sayEmpty();
  }

  return {
    mark,
    items,
    /** Fetch it again. */
    async refresh() {
      const response = await fetch(address());
      if (!response.ok) return response.status;
      merge(parse(await response.text()), { hold: isScrolled(), flash: true });
      return 200;
    },
    /** Let in what waits. */
    showWaiting() {
      if (!waiting) return;
      root.scrollTop = 0;
      merge(waiting, { hold: false, flash: true });
    },
    /** Show another queue. */
    async open(url) {
      const response = await fetch(url.replace("/desk/", "/desk/part/queue/"));
      if (!response.ok) return false;
      root.innerHTML = await response.text();
      root.scrollTop = 0;
      mark(currentCase());
      return true;
    },
    /** The link that lies `step` lines from the current case. */
    neighbour(step) {
      const all = items();
      const at = all.findIndex((item) => item.dataset.id === currentCase());
      const next = at < 0 ? all[0] : all[at + step];
      return next?.firstElementChild ?? null;
    },
  };
}
