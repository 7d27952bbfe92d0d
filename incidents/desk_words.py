"""The words of the desk: what codes are called, in sentences for translation. No data, no decisions."""

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

# state → (shape, meaning for the colour)
SHAPES: Final = {
    "reported": ("○", ""),
    "registered": ("◇", ""),
    "dispatched": ("▷", ""),
    "handling": ("◐", ""),
    "suspended": ("‖", "warn"),
    "resolved": ("◑", "warn"),
    "closed": ("●", "ok"),
    "rejected": ("✕", "bad"),
    "merged": ("⊃", ""),
}
QUEUES: Final = {
    "reported": _("Review"),
    "registered": _("In hand"),
    "resolved": _("Sign off"),
    "conflicts": _("Conflicts"),
    "closed": _("Closed"),
    "all": _("Search"),
}
# What would stand here, and what to do next.
EMPTY: Final = {
    "reported": _("No new reports. What is reported in your area appears here by itself."),
    "registered": _("Nothing in hand. Register a report, and it stands here until it is resolved."),
    "resolved": _("Nothing waits for your signature. What is resolved stands here until you close it."),
    "conflicts": _("No conflicts. Where two people changed the same thing, both versions wait here for you."),
    "closed": _("Nothing was closed within the last 30 days. Older cases are found by searching."),
    "all": _("Nothing is found. Search for part of a number, or for words of the description."),
}
KEYS: Final = {"register": "r", "reject": "x", "resolve": "s", "close": "c", "reopen": "o"}
DONE: Final = {
    "handle_here": _("handled the matter on the spot"),
    "register": _("registered the case"),
    "reject": _("did not accept the report"),
    "resolve": _("resolved the matter"),
    "close": _("closed the case"),
    "reopen": _("reopened the case"),
    "submit": _("reported"),
    "edit": _("changed"),
    "comment": _("wrote"),
    "photo": _("added a photo"),
    "photo_withdrawn": _("took back a photo"),
    "conflict": _("decided a conflict"),
    "archive": _("archived"),
}
WHY_NOT: Final = {
    "role": _("Your role may not do this."),
    "state": _("Not possible in the present state."),
    "archived": _("The case is in the archive."),
    "after_photo_missing": _("This category asks for a photo of the result first."),
    "class_not_immediate": _("Only for matters that are handled at once."),
    "photos_missing": _("A photo before and one after are needed."),
}
ARGS: Final = {
    "handling_class": _("Handling class"),
    "outcome": _("Outcome"),
    "reason": _("Reason"),
    "sentence": _("A sentence to the reporter"),
    "office": _("The office that is in charge"),
    "note": _("Note"),
}
CHOICES: Final = {
    "immediate": _("at once"),
    "limited": _("within a limit"),
    "tracked": _("tracked"),
    "fixed": _("fixed"),
    "handled_on_spot": _("handled on the spot"),
    "explained": _("explained"),
    "not_found": _("not found on site"),
    "no_action_needed": _("no action needed"),
    "cannot_fix": _("cannot be fixed"),
    "passed_on": _("passed on to another body"),
    "not_ours": _("not our responsibility"),
    "duplicate": _("reported already"),
    "not_real": _("not the case on site"),
    "unclear": _("too unclear"),
    "outside_law": _("no legal basis"),
    "withdrawn": _("withdrawn by the reporter"),
    "dropped": _("the present version stays"),
    "taken": _("taken over"),
    "before": _("before"),
    "after": _("after"),
}
FIELDS: Final = {
    "description": _("Description"),
    "category": _("Category"),
    "urgent": _("Urgent"),
    "position": _("Position"),
    "address": _("Address"),
    "component_code": _("Component"),
    "occurred_at": _("Time of the event"),
    "answers": _("Answers"),
}
# Fields for which a person can type a value of their own.
TYPED: Final = ("description", "address", "component_code")
VISIBILITY: Final = {
    "internal": _("staff only"),
    "reporter": _("reporter too"),
    "public": _("public"),
}
ROLES: Final = {
    "worker": _("grid worker"),
    "secretary": _("community secretary"),
    "operator": _("operator"),
    "handler": _("handler"),
    "supervisor": _("supervisor"),
    "admin": _("administrator"),
}
CLASH: Final = {
    "field_changed": _("Two people changed this at the same time."),
    "not_allowed_now": _("This was asked for when the case no longer allowed it."),
    "stale": _("The case had changed before this arrived."),
    "outside_grid": _("The new position lies outside the city."),
    "handed_over": _("The sender is no longer responsible for this place; the entry waits for you."),
    "already_answered": _("Somebody else had answered already."),
    "unverified": _("The sender's account is closed; the entry waits for you."),
    "internal": _("The server could not carry this out; please decide."),
}
OPS: Final = {
    "incident.report": _("a report"),
    "incident.edit": _("a change"),
    "incident.comment": _("a comment"),
    "photo.add": _("a photo"),
    "check.answer": _("a check's result"),
}
PHOTO: Final = {
    "declared": _("on its way"),
    "overdue": _("has not arrived for 30 days"),
    "received": _("being prepared"),
    "rejected": _("not usable"),
    "withdrawn": _("taken back"),
}


def value(field: str | None, found: Any) -> Any:
    """A field's value as a person reads it."""
    if found is None or found == "":
        return _("(nothing)")
    if found is True:
        return _("yes")
    if found is False:
        return _("no")
    if isinstance(found, dict) and "lng" in found:
        return f"{found['lng']:.6f}, {found['lat']:.6f}"
    if isinstance(found, dict):
        return " · ".join(f"{key}: {item}" for key, item in found.items())
    return str(found)
