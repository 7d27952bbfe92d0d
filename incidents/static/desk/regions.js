/* Replaces parts of the page by what the server shows now, without losing typed text, the focus or an open form. */

const ours = new WeakMap(); // element → the HTML that the server gave for it

const keyOf = (form) => form?.dataset.key;
const controls = (root) => [...root.querySelectorAll("input, textarea, select")].filter((control) => control.name && keyOf(control.form));

function isTouched(control) {
  if (control.tagName === "SELECT") return [...control.options].some((option) => option.selected !== option.defaultSelected) && control.value !== "";
  return control.value !== control.defaultValue;
}

/** What a person has begun in there: open forms, touched controls, the focus. */
function begun(root) {
  const forms = new Map();
  for (const form of root.querySelectorAll("form[data-key]")) forms.set(form.dataset.key, { open: !form.hidden, seen: { ...form.dataset } });
  const typed = controls(root)
    .filter(isTouched)
    .map((control) => ({ key: keyOf(control.form), name: control.name, value: control.value, label: control.labels?.[0]?.innerText ?? "" }));
  const active = document.activeElement;
  let focus = null;
  if (active && root.contains(active)) {
    focus = { key: keyOf(active.form), name: active.name, testid: active.dataset.testid, from: active.selectionStart, to: active.selectionEnd };
  }
  return { forms, typed, focus };
}

/** Puts it back; returns the texts that have no place any more. */
function restore(root, { forms, typed, focus }) {
  for (const form of root.querySelectorAll("form[data-key]")) {
    const was = forms.get(form.dataset.key);
    if (!was) continue;
    form.hidden = !was.open;
    if (was.seen.version) form.dataset.version = was.seen.version;
    if (was.seen.base) form.dataset.base = was.seen.base;
  }
  const lost = [];
  for (const one of typed) {
    const control = controls(root).find((found) => keyOf(found.form) === one.key && found.name === one.name);
    if (control) control.value = one.value;
    else lost.push(one);
  }
  if (focus) {
    const again = focus.name
      ? controls(root).find((found) => keyOf(found.form) === focus.key && found.name === focus.name)
      : root.querySelector(`[data-testid="${focus.testid}"]`);
    again?.focus({ preventScroll: true });
    if (again && typeof focus.from === "number" && again.setSelectionRange) again.setSelectionRange(focus.from, focus.to);
  }
  return lost;
}

/** Brings the regions of `old` to the state of `fresh` (an element of another document). Returns texts that lost their form. */
export function renew(old, fresh) {
  const lost = [];
  for (const region of fresh.querySelectorAll("[data-region]")) {
    const here = old.querySelector(`[data-region="${region.dataset.region}"]`);
    if (!here) continue;
    const html = region.innerHTML;
    if (ours.get(here) === html) continue;
    const first = !ours.has(here);
    if (!first || here.innerHTML !== html) {
      const kept = begun(here);
      here.innerHTML = html;
      lost.push(...restore(here, kept));
    }
    ours.set(here, html);
  }
  return lost;
}

/** Remembers what the server gave, so that an unchanged part is left alone. */
export function remember(root) {
  for (const region of root.querySelectorAll("[data-region]")) ours.set(region, region.innerHTML);
}
