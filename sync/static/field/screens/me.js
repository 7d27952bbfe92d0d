/* Me: who I am here, the language, what the phone holds, logging off. */
import { counts } from "../rules/queue.js";
import { el, fill } from "../ui/el.js";

export async function meScreen(app) {
  const node = el("div.stack");

  async function update() {
    const { t } = app;
    const held = counts(app.outbox);
    const storage = await app.storage();
    const language = (code, name) => el("button.button", { type: "button", "aria-pressed": String(t.lang === code), "data-testid": `lang-${code}`, lang: code, onclick: () => app.setLanguage(code) }, name);
    fill(node,
      el("section.card", {},
        el("h2", { "data-testid": "me-name" }, app.user.name || app.user.username),
        el("p.quiet", {}, app.user.username),
        (app.memberships || []).map((member) => el("p", {}, [t.has(`role.${member.role}`) ? t(`role.${member.role}`) : member.role, member.scope ? member.scope.name || t("me.city") : ""].filter(Boolean).join(" · ")))),
      el("section.card", {}, el("h2", {}, t("me.language")), el("div.row", {}, language("zh-hans", "中文"), language("en", "English"))),
      el("section.card", {},
        el("h2", {}, t("me.phone")),
        el("p", { "data-testid": "held" }, t("me.held", { ops: held.queued, photos: held.photos_waiting, drafts: app.outbox.drafts.length })),
        storage.used !== null ? el("p", {}, t("me.storage", { used: t.size(storage.used), quota: t.size(storage.quota) })) : null,
        el(`p${storage.persisted ? ".ok" : ".warn"}`, {}, `${storage.persisted ? "✓" : "!"} ${t(storage.persisted ? "me.protected" : "me.not_protected")}`),
        app.store.lasting ? null : el("p.bad", {}, t("me.not_lasting"))),
      el("section.card", {},
        el("button.button.bad.wide", { type: "button", "data-testid": "log-off", onclick: () => logOff(app, held) }, t("me.log_off"))));
  }

  await update();
  return { title: app.t("nav.me"), node, update };
}

/** Never loses silently: says what is not delivered, and that it stays under this name. */
async function logOff(app, held) {
  const { t } = app;
  const open = held.queued + held.photos_waiting + app.outbox.drafts.length;
  const words = open ? t("me.log_off_ask_open", { ops: held.queued, photos: held.photos_waiting, drafts: app.outbox.drafts.length }) : t("me.log_off_ask");
  if (await app.ask(words, t("me.log_off"))) await app.logOff();
}
