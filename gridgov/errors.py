"""The catalogue of refusals: code, HTTP status and the English sentence (a msgid) of everything that is refused.

Pure: knows neither Django nor HTTP libraries. `gridgov.http` turns a Refusal into a problem document and
`sync.wire` into an answer; both translate the sentence.
"""

from collections.abc import Mapping, Sequence
from typing import Any


def msgid(text: str) -> str:
    """Mark a sentence for translation (xgettext keyword `msgid`); the edge translates it."""
    return text


CATALOGUE: dict[str, tuple[int, str]] = {
    # whole requests (protocol §2)
    "not_authenticated": (401, msgid("Please log in.")),
    "bad_credentials": (401, msgid("User name or password is wrong.")),
    "csrf_failed": (403, msgid("The page is out of date. Please reload it and try again.")),
    "account_closed": (403, msgid("This account is closed.")),
    "device_revoked": (403, msgid("This device has been reported lost and may not be used any more.")),
    "forbidden": (403, msgid("You may see this, but not change it.")),
    "not_found": (404, msgid("Nothing is found here.")),
    "method_not_allowed": (405, msgid("This address does not take that method.")),
    "bad_query": (400, msgid("A parameter of the address is not understood.")),
    "host_unknown": (400, msgid("The server does not know itself under this host name (ALLOWED_HOSTS).")),
    "not_json": (400, msgid("The body is not a JSON object in UTF-8 as this address expects it.")),
    "too_large": (413, msgid("This is more than the server takes at once.")),
    "unsupported_media_type": (415, msgid("The server does not read this kind of content.")),
    "protocol_unknown": (426, msgid("The server does not speak this version of the protocol.")),
    "slow_down": (429, msgid("Too many requests. Please wait a moment.")),
    "unavailable": (503, msgid("The server cannot answer just now. Nothing is lost; please try again.")),
    "moved_on": (409, msgid("Something has changed behind this cursor. Fetch the changes first.")),
    # photos (protocol §5)
    "not_declared": (409, msgid("This photo has not been declared in a report.")),
    "size_mismatch": (400, msgid("The size is not the one that was declared.")),
    "checksum_unknown": (400, msgid("This kind of checksum is not known.")),
    "wrong_offset": (409, msgid("The upload stands at another offset.")),
    "upload_gone": (410, msgid("This upload has expired or has been discarded.")),
    "upload_locked": (423, msgid("Another request is writing to this upload.")),
    "checksum_mismatch": (460, msgid("The bytes that arrived are not the bytes that were announced.")),
    "altered_on_the_way": (460, msgid("The network changes photos on the way. Please try another network.")),
    "not_an_image": (422, msgid("This file is not a photo in JPEG, PNG or WebP.")),
    "heic": (422, msgid("The server does not read HEIC photos. Please save the photo as JPEG.")),
    "too_many_pixels": (422, msgid("The photo has more than 50 megapixels.")),
    "damaged": (422, msgid("The photo is damaged and cannot be read.")),
    # ops (protocol §3)
    "malformed": (400, msgid("The entry is not in the form that the protocol asks for.")),
    "op_too_large": (413, msgid("The entry is larger than 64 KiB.")),
    "op_id_reused": (409, msgid("This entry's id has been used for another content.")),
    "id_taken": (409, msgid("This id belongs to another record.")),
    "needs_unknown_op": (409, msgid("The entry waits for an earlier one that has not arrived.")),
    "needs_refused_op": (409, msgid("The entry builds on an earlier one that was refused.")),
    "busy": (503, msgid("Another push of yours is being carried out. The entry stays in the queue.")),
    "internal": (500, msgid("The server failed on this entry. It stays in the queue and will be tried again.")),
    "datum_missing": (400, msgid("The position does not say in which datum it was measured.")),
    "outside_grid": (404, msgid("The place lies outside the city's grid.")),
    "category_unknown": (400, msgid("There is no such category.")),
    "cell_unknown": (400, msgid("There is no such cell.")),
    "not_editable": (403, msgid("You may not change this field.")),
    "not_allowed_now": (409, msgid("This is not possible in the case's present state.")),
    "field_changed": (409, msgid("Someone else has changed the same field meanwhile.")),
    "stale": (409, msgid("The case has changed since you saw it.")),
    "role": (403, msgid("Your role may not do this.")),
    "reason_missing": (400, msgid("A reason is needed for this.")),
    "bad_target": (400, msgid("The target of this action is not possible.")),
    "action_unknown": (400, msgid("There is no such action.")),
    "already_resolved": (409, msgid("This conflict has been resolved already.")),
    "already_answered": (409, msgid("This has been answered already.")),
    "handed_over": (409, msgid("The place is no longer yours. The entry has been handed to the unit in charge.")),
    "unverified": (409, msgid("The account is closed. The entry waits for the unit in charge.")),
}


class Refusal(Exception):
    """Something is refused, with a code of the catalogue.

    `details` go out under `details` of an op's answer and beside `code` of a problem document; `errors` is a list of
    {pointer, code, detail} for fields; `headers` are added to an HTTP answer (Retry-After, WWW-Authenticate).
    """

    def __init__(
        self,
        code: str,
        *,
        details: Mapping[str, Any] | None = None,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.code = code
        self.status, self.sentence = CATALOGUE[code]
        self.details = dict(details or {})
        self.errors = list(errors)
        self.headers = dict(headers or {})
        super().__init__(code)


def malformed(pointer: str, detail: str = "") -> Refusal:
    """A value at `pointer` (RFC 6901) is not of the form that is asked for."""
    return Refusal("malformed", errors=[{"pointer": pointer, "code": "malformed", "detail": detail}])


class Misuse(Exception):
    """A command cannot do what it was asked for; the sentence says why, in the operator's language. Commands print it and exit 1."""
