/* The frame around every screen: title and sync state on top, sentences that must be seen, four places at the bottom. */
import { syncLine } from "./bits.js";
import { el, fill } from "./el.js";

export function makeFrame(root) {
  const back = el("a.back", { "data-testid": "back" }, "←");
  const title = el("h1");
  const status = el("a.status", { href: "#/queue", "data-testid": "sync-state" });
  const banners = el("div.banners", { "data-testid": "banners" });
  const main = el("main", { tabindex: "-1" });
  const nav = el("nav.bottom");
  const toasts = el("div.toasts", { role: "status", "aria-live": "polite" });
  const dialog = el("dialog.ask");
  fill(root, el("header.top", {}, back, title, status), banners, main, nav, toasts, dialog);

  return {
    main,
    heading(text, backTo) {
      title.textContent = text;
      document.title = `${text} · gridgov`;
      back.hidden = !backTo;
      if (backTo) back.setAttribute("href", backTo);
    },
    bar(app, here) {
      fill(status, app ? syncLine(app) : null);
      const place = (name, icon, label, badge) => el("a", {
        href: `#/${name}`, "aria-current": here === name ? "page" : null, "data-testid": `nav-${name}`,
      }, el("span.icon", { "aria-hidden": "true" }, icon), el("span", {}, label), badge ? el("span.badge", { "data-testid": `badge-${name}` }, String(badge)) : null);
      nav.hidden = !app;
      if (!app) return;
      back.setAttribute("aria-label", app.t("nav.back"));
      fill(nav, place("today", "☰", app.t("nav.today"), app.needs), place("report", "＋", app.t("nav.report")),
        place("queue", "⇅", app.t("nav.queue"), app.waiting), place("me", "◉", app.t("nav.me")));
    },
    /** Sentences that stay: [{kind, text, action: {href | onclick, label}, id}]. */
    banners(list) {
      fill(banners, list.map((item) => el(`div.notice${item.kind ? `.${item.kind}` : ""}`, { role: item.kind === "bad" ? "alert" : "status", "data-banner": item.id },
        el("span", {}, item.text), item.action ? el(item.action.href ? "a.button" : "button.button", { href: item.action.href, onclick: item.action.onclick, type: item.action.href ? null : "button" }, item.action.label) : null)));
    },
    toast(text, kind = "") {
      const node = el(`p.toast${kind ? `.${kind}` : ""}`, {}, text);
      toasts.append(node);
      setTimeout(() => node.remove(), kind === "bad" ? 8000 : 4000);
    },
    /** One picture as large as the screen. */
    picture(src, alt, close) {
      fill(dialog, el("img.whole", { src, alt }), el("button.button.wide", { type: "button", onclick: () => dialog.close() }, close));
      dialog.oncancel = null;
      dialog.showModal();
    },
    /** Asks before something is lost; true when the person says so. */
    ask(text, yes, no) {
      return new Promise((resolve) => {
        const end = (value) => {
          dialog.close();
          resolve(value);
        };
        fill(dialog, el("p", {}, text), el("div.row.spread", {},
          el("button.button", { type: "button", "data-testid": "ask-no", onclick: () => end(false) }, no),
          el("button.button.bad", { type: "button", "data-testid": "ask-yes", onclick: () => end(true) }, yes)));
        dialog.oncancel = () => resolve(false);
        dialog.showModal();
      });
    },
  };
}
