/* The case on the right: opens, stays current, sends what is pressed as ops, and says in words what became of it. */
import { newId, send } from "./ops.js";
import { remember, renew } from "./regions.js";

const parse = (html) => new DOMParser().parseFromString(html, "text/html").body;

export function makeCase({ root, words, onChanged, onSignedOut }) {
  const article = () => root.querySelector("article[data-case]");
  const id = () => article()?.dataset.case ?? "";
  const described = () => JSON.parse(article().dataset.description);
  const waiting = new Map(); // form's key → {content, op}
  remember(root);

  function say(text, tone = "") {
    const box = root.querySelector("[data-role=said]");
    if (!box) return;
    box.replaceChildren();
    if (!text) return;
    const line = document.createElement("p");
    line.className = `notice ${tone}`;
    line.dataset.testid = "said";
    line.textContent = text;
    box.append(line);
  }

  function keep(lost) {
    for (const one of lost) {
      const box = document.createElement("label");
      box.className = "field";
      const name = document.createElement("span");
      name.textContent = `${words.typed} · ${one.label.replace("*", "").trim()}`;
      const text = document.createElement("textarea");
      text.className = "input";
      text.value = one.value;
      text.readOnly = true;
      box.append(name, text);
      root.querySelector("[data-role=said]").append(box);
    }
  }

  async function fetchPart(key) {
    const response = await fetch(`/desk/part/cases/${key}/`);
    if (response.status === 401) onSignedOut();
    return response.ok ? parse(await response.text()) : response.status;
  }

  async function refresh() {
    const key = id();
    if (!key) return;
    const fresh = await fetchPart(key);
    if (key !== id()) return;
    if (typeof fresh === "number") {
      if (fresh === 404) say(words.gone, "warn");
      return;
    }
    const found = fresh.querySelector("article[data-case]");
    keep(renew(article(), found));
    Object.assign(article().dataset, found.dataset);
  }

  async function open(key) {
    const fresh = await fetchPart(key);
    if (typeof fresh === "number") return false;
    root.replaceChildren(...fresh.childNodes);
    waiting.clear();
    root.scrollTop = 0;
    remember(root);
    return true;
  }

  // --- what is pressed -------------------------------------------------------------------------------------------

  /** Shows a form and notes what the person saw when they began: that is what their answer will be compared with. */
  function begin(form) {
    form.hidden = false;
    form.dataset.version = article().dataset.version;
    if (form.dataset.field) form.dataset.base = JSON.stringify(described());
    const first = form.querySelector("textarea, input, select, button");
    first?.focus();
    form.scrollIntoView({ block: "nearest" });
  }

  function act(button) {
    if (!button || button.getAttribute("aria-disabled") === "true") {
      button?.focus();
      return;
    }
    for (const form of root.querySelectorAll("form[data-form=act]")) {
      if (form.dataset.action === button.dataset.act) begin(form);
      else form.hidden = true;
    }
  }

  function complete(form) {
    let whole = true;
    for (const control of form.querySelectorAll("[required]")) {
      const missing = !control.value.trim();
      control.setAttribute("aria-invalid", String(missing));
      if (missing && whole) control.focus();
      whole = whole && !missing;
    }
    return whole;
  }

  function opOf(form, submitter) {
    const incident = id();
    const version = Number(form.dataset.version || article().dataset.version);
    const values = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
    if (form.dataset.form === "act") return { kind: "incident.act", incident, base_version: version, action: form.dataset.action, args: values };
    if (form.dataset.form === "comment") return { kind: "incident.comment", incident, comment: newId(), text: values.text ?? "", visibility: values.visibility };
    if (form.dataset.form === "edit") {
      const base = JSON.parse(form.dataset.base);
      return { kind: "incident.edit", incident, base_version: version, after: [], base: { description: base }, fields: { description: values.description ?? null } };
    }
    const take = submitter.value;
    const op = { kind: "conflict.resolve", conflict: form.dataset.conflict, take, base_version: Number(article().dataset.version) };
    return take === "value" ? { ...op, value: values.value ?? null } : op;
  }

  /** The op that was sent before from this form with the same content and got no answer: sent again as it was, it is done once. */
  function unanswered(form, op) {
    const content = JSON.stringify({ ...op, comment: null });
    const before = waiting.get(form.dataset.key);
    if (before?.content === content) return before.op;
    const whole = { op_id: newId(), at: new Date().toISOString(), ...op };
    waiting.set(form.dataset.key, { content, op: whole });
    return whole;
  }

  async function submit(form, submitter) {
    if (submitter?.getAttribute("aria-disabled") === "true" || form.dataset.busy) return;
    if (!complete(form) || (form.dataset.form === "comment" && !form.elements.text.value.trim())) {
      if (form.dataset.form !== "comment") say(words.missing, "warn");
      return;
    }
    const op = unanswered(form, opOf(form, submitter));
    form.dataset.busy = "1";
    say(words.sending);
    const answer = await send(op);
    delete form.dataset.busy;
    if (answer.outcome !== "unreachable" && answer.outcome !== "signed-out") waiting.delete(form.dataset.key);
    if (answer.outcome === "applied" || answer.outcome === "merged") {
      form.reset();
      if (form.dataset.form === "act" || form.dataset.form === "edit") form.hidden = true;
    }
    await refresh().catch(() => {}); // no line: what follows says so
    if (answer.outcome === "applied") say(words.done, "ok");
    else if (answer.outcome === "merged") say(words.merged, "ok");
    else if (answer.outcome === "conflict") say(`${answer.message ?? ""} ${words.parked}`, "warn");
    else if (answer.outcome === "unreachable") say(words.offline, "bad");
    else if (answer.outcome === "signed-out") onSignedOut();
    else say(answer.code === "stale" ? `${answer.message} ${words.refresh}` : (answer.message ?? answer.code), "bad");
    onChanged();
  }

  root.addEventListener("submit", (event) => {
    if (!event.target.dataset.form) return;
    event.preventDefault();
    submit(event.target, event.submitter);
  });
  root.addEventListener("click", (event) => {
    const target = event.target.closest("button, a");
    if (!target) return;
    if (target.dataset.act) act(target);
    if (target.dataset.role === "cancel") {
      target.form.reset();
      target.form.hidden = true;
    }
    if (target.dataset.role === "edit") begin(target.parentElement.querySelector("form[data-form=edit]"));
  });
  root.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.form?.dataset.form === "act") event.target.form.querySelector("[data-role=cancel]").click();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.form?.dataset.form) event.target.form.requestSubmit();
  });

  return {
    id,
    open,
    refresh,
    /** A key of an action, or of the first conflict's buttons. */
    press(key) {
      const found = root.querySelector(`[aria-keyshortcuts="${key}"]`);
      if (!found) return false;
      if (found.dataset.act) act(found);
      else if (key === "3" && document.activeElement !== found.form.elements.value) found.form.elements.value.focus();
      else found.click();
      return true;
    },
  };
}
