"""The child process that decodes photos: run as a file by `incidents.renderer`, with limits of memory and processor time.

It trusts nothing that it reads, knows neither Django nor the project, and writes no file: pictures go back through the pipe.
A job is a line of JSON `{"path"}`; the answer is a line `{"width", "height", "view", "thumb"}`, where the last two are lengths,
and the bytes of both; or `{"reason"}`, a code of the catalogue.
"""

import io
import json
import os
import resource
import sys
import warnings
from typing import BinaryIO

from PIL import Image

PIXELS = 50_000_000
VIEW_PX = 1600
THUMB_PX = 320
QUALITY = 82
_FORMATS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
MEMORY_BYTES = 1 << 30
JOB_CPU_S = 20

_HEIF = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"})
_AVIF = frozenset({b"avif", b"avis"})


def kind_of(head: bytes) -> str:
    """What the first bytes say: jpeg, png, webp, heic, or other."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head[4:8] == b"ftyp":
        length = min(int.from_bytes(head[:4], "big"), len(head))
        brands = {head[8:12]} | {head[at : at + 4] for at in range(16, length - 3, 4)}
        if brands & _HEIF and not brands & _AVIF:
            return "heic"
    return "other"


def webp_pixels(head: bytes) -> int:
    """What a WebP claims in its first chunk; 0 where that is not understood."""
    if head[12:16] == b"VP8X" and len(head) >= 30:
        return (1 + int.from_bytes(head[24:27], "little")) * (1 + int.from_bytes(head[27:30], "little"))
    if head[12:16] == b"VP8L" and len(head) >= 25:
        bits = int.from_bytes(head[21:25], "little")
        return (1 + (bits & 0x3FFF)) * (1 + (bits >> 14 & 0x3FFF))
    if head[12:16] == b"VP8 " and len(head) >= 30:
        return (int.from_bytes(head[26:28], "little") & 0x3FFF) * (int.from_bytes(head[28:30], "little") & 0x3FFF)
    return 0


def render(source: BinaryIO) -> tuple[bytes, bytes, tuple[int, int]] | str:
    """View, thumbnail and the view's size in pixels, both upright JPEGs without any metadata; or why not.

    Of a picture with several frames the first counts. Reasons: heic, not_an_image, too_many_pixels, damaged.
    """
    head = source.read(4096)
    source.seek(0)
    kind = kind_of(head)
    if kind in ("heic", "other"):
        return "heic" if kind == "heic" else "not_an_image"
    if kind == "webp" and webp_pixels(head) > PIXELS:  # its decoder takes memory before it tells the size
        return "too_many_pixels"
    try:
        try:
            image: Image.Image = Image.open(source, formats=(_FORMATS[kind],))
            if image.width * image.height > PIXELS:
                return "too_many_pixels"
            if kind == "jpeg":
                image.draft("RGB", (VIEW_PX, VIEW_PX))  # decodes at half, quarter or eighth where that is enough
            image.load()
            turn = _turn(image)
        except Image.DecompressionBombError:
            return "too_many_pixels"
        except MemoryError:
            raise
        except Exception:  # whatever a decoder stumbles over lies in the bytes
            return "damaged"
        return _pictures(image, turn)
    except MemoryError:
        return "too_many_pixels"


_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def _turn(image: Image.Image) -> Image.Transpose | None:
    """How to stand it upright. EXIF that cannot be read turns nothing."""
    try:
        return _TURNS.get(image.getexif().get(0x0112, 1))
    except Exception:
        return None


def _pictures(image: Image.Image, turn: Image.Transpose | None) -> tuple[bytes, bytes, tuple[int, int]]:
    if image.mode.startswith("I"):
        image = image.convert("I").point([value >> 8 for value in range(65536)], "L")
    view = _flat(_fitted(image, VIEW_PX))
    if turn is not None:
        view = view.transpose(turn)
    view = _bare(view)
    return _jpeg(view), _jpeg(_fitted(view, THUMB_PX)), view.size


def _fitted(image: Image.Image, most: int) -> Image.Image:
    """At most that many pixels wide and high."""
    longest = max(image.size)
    if longest <= most:
        return image
    size = (max(1, round(image.width * most / longest)), max(1, round(image.height * most / longest)))
    if image.mode in ("1", "P", "PA"):  # these cannot be averaged
        image = image.convert("RGBA" if "transparency" in image.info or image.mode == "PA" else "RGB")
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _flat(image: Image.Image) -> Image.Image:
    """RGB; what is transparent becomes white."""
    if image.mode in ("LA", "PA", "RGBA", "RGBa", "La") or "transparency" in image.info:
        clear = image.convert("RGBA")
        image = Image.new("RGB", clear.size, "white")
        image.paste(clear, mask=clear.getchannel("A"))
    return image if image.mode == "RGB" else image.convert("RGB")


def _bare(image: Image.Image) -> Image.Image:
    """The same pixels in a new image, which has no comment, profile or other chunk that a writer could copy."""
    bare = Image.new("RGB", image.size)
    bare.paste(image)
    return bare


def _jpeg(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY, optimize=True)
    return out.getvalue()


def _limit_processor() -> None:
    """Each job gets its own seconds: the limit counts from the process's start."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]  # stays, so that the next job can have its own
    most = int(used.ru_utime + used.ru_stime) + JOB_CPU_S
    resource.setrlimit(resource.RLIMIT_CPU, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def _limit(what: int, most: int) -> None:
    """For good; not above what the system itself allows."""
    hard = resource.getrlimit(what)[1]
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _answer(made: tuple[bytes, bytes, tuple[int, int]] | str) -> None:
    out = sys.stdout.buffer
    if isinstance(made, str):
        out.write(json.dumps({"reason": made}).encode() + b"\n")
    else:
        view, thumb, (width, height) = made
        out.write(json.dumps({"width": width, "height": height, "view": len(view), "thumb": len(thumb)}).encode() + b"\n")
        out.write(view)
        out.write(thumb)
    out.flush()


def main() -> None:
    """Answer jobs from standard input until it ends."""
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NOFILE, 16)
    os.nice(5)  # pushes go first
    warnings.simplefilter("ignore")
    Image.init()
    for line in sys.stdin.buffer:
        _limit_processor()
        with open(json.loads(line)["path"], "rb") as source:
            _answer(render(source))


if __name__ == "__main__":
    main()
