"""What the child process makes of bytes: upright, small, bare of metadata; or a plain reason (protocol §5, 5)."""

import contextlib
import csv
import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from incidents.renderer import ChildDied, Pictures, Renderer
from incidents.rendition import THUMB_PX, VIEW_PX
from tests.left_out import real_data

CANARY = "34.2617N108.9423E"


@pytest.fixture(scope="module")
def renderer() -> Iterator[Renderer]:
    """A real child."""
    with Renderer() as one:
        yield one


def rendered(renderer: Renderer, folder: Path, data: bytes) -> Pictures | str:
    path = folder / "photo"
    path.write_bytes(data)
    return renderer.render(path)


def saved(image: Image.Image, kind: str, **more: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **more)
    return out.getvalue()


def opened(picture: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(picture), formats=("JPEG",))
    image.load()
    return image


# --- what it may be ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_large_photo_becomes_a_view_of_1600_and_a_thumbnail_of_320_pixels(renderer: Renderer, tmp_path: Path, kind: str) -> None:
    made = rendered(renderer, tmp_path, saved(Image.new("RGB", (3200, 2400), "teal"), kind))
    assert isinstance(made, Pictures)
    assert (made.width, made.height) == opened(made.view).size == (VIEW_PX, 1200)
    assert opened(made.thumb).size == (THUMB_PX, 240)
    red, green, blue = opened(made.view).getpixel((800, 600))  # type: ignore[misc]
    assert max(abs(red - 0), abs(green - 128), abs(blue - 128)) < 6


def test_a_small_photo_is_not_blown_up(renderer: Renderer, tmp_path: Path) -> None:
    made = rendered(renderer, tmp_path, saved(Image.new("RGB", (90, 40)), "PNG"))
    assert isinstance(made, Pictures)
    assert opened(made.view).size == opened(made.thumb).size == (90, 40)


@pytest.mark.parametrize("size", [(65_000, 3), (3, 65_000), (1, 1)])
def test_narrow_photos_keep_at_least_one_pixel(renderer: Renderer, tmp_path: Path, size: tuple[int, int]) -> None:
    made = rendered(renderer, tmp_path, saved(Image.new("RGB", size), "PNG"))
    assert isinstance(made, Pictures)
    assert max(made.width, made.height) <= VIEW_PX
    assert min(made.width, made.height) >= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_every_kind_of_pixels_becomes_plain_colour_and_what_is_clear_becomes_white(renderer: Renderer, tmp_path: Path, mode: str) -> None:
    made = rendered(renderer, tmp_path, saved(Image.new(mode, (2000, 30)), "PNG"))
    assert isinstance(made, Pictures)
    expected = (255, 255, 255) if mode in ("LA", "RGBA") else (0, 0, 0)
    assert opened(made.view).getpixel((5, 5)) == expected
    assert opened(made.view).mode == "RGB"


def test_a_cmyk_jpeg_is_read(renderer: Renderer, tmp_path: Path) -> None:
    made = rendered(renderer, tmp_path, saved(Image.new("CMYK", (50, 50), (0, 255, 255, 0)), "JPEG"))
    assert isinstance(made, Pictures)
    red, green, blue = opened(made.view).getpixel((20, 20))  # type: ignore[misc]
    assert red > 200 > 60 > max(green, blue)


def test_of_several_pictures_in_one_file_the_first_counts(renderer: Renderer, tmp_path: Path) -> None:
    pages = [Image.new("RGB", (40, 40), colour) for colour in ("red", "lime", "blue")]
    for kind in ("MPO", "WEBP", "PNG"):
        made = rendered(renderer, tmp_path, saved(pages[0], kind, save_all=True, append_images=pages[1:]))
        assert isinstance(made, Pictures), kind
        red, green, blue = opened(made.view).getpixel((20, 20))  # type: ignore[misc]
        assert red > 200 > 60 > max(green, blue), kind


# EXIF says on which side of the scene the first row and the first column of the file lie.
SIDES = {
    1: "top left",
    2: "top right",
    3: "bottom right",
    4: "bottom left",
    5: "left top",
    6: "right top",
    7: "right bottom",
    8: "left bottom",
}
OPPOSITE = {"top": "bottom", "bottom": "top", "left": "right", "right": "left"}
CORNERS = {
    frozenset(("top", "left")): "red",
    frozenset(("top", "right")): "lime",
    frozenset(("bottom", "left")): "blue",
    frozenset(("bottom", "right")): "black",
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", SIDES)
def test_it_stands_upright(renderer: Renderer, tmp_path: Path, orientation: int, kind: str) -> None:
    row, column = SIDES[orientation].split()
    wide = orientation < 5
    stored = Image.new("RGB", (240, 160) if wide else (160, 240))
    w, h = stored.width // 2, stored.height // 2
    for x, side in ((0, column), (w, OPPOSITE[column])):
        for y, edge in ((0, row), (h, OPPOSITE[row])):
            stored.paste(CORNERS[frozenset((edge, side))], (x, y, x + w, y + h))
    exif = Image.Exif()
    exif[0x0112] = orientation
    made = rendered(renderer, tmp_path, saved(stored, kind, exif=exif.tobytes(), **({"quality": 95} if kind != "PNG" else {})))
    assert isinstance(made, Pictures)
    for picture in (made.view, made.thumb):
        image = opened(picture)
        assert image.size == (240, 160)
        for place, expected in (((40, 30), (255, 0, 0)), ((200, 30), (0, 255, 0)), ((40, 130), (0, 0, 255)), ((200, 130), (0, 0, 0))):
            assert max(abs(a - b) for a, b in zip(image.getpixel(place), expected, strict=True)) < 60, place  # type: ignore[arg-type]


# --- metadata ----------------------------------------------------------------------------------------------------


def segments(jpeg: bytes) -> list[tuple[int, bytes]]:
    """Marker and content of what stands before the pixels; the rest must be pixels up to the very end."""
    assert jpeg[:2] == b"\xff\xd8"
    assert jpeg[-2:] == b"\xff\xd9"
    found, at = [], 2
    while True:
        assert jpeg[at] == 0xFF
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4], "big")
        found.append((marker, jpeg[at + 4 : at + 2 + length]))
        at += 2 + length
        if marker == 0xDA:
            return found


def assert_bare(jpeg: bytes) -> None:
    """Nothing but what a decoder needs: tables, frame, scan, and a JFIF header without a thumbnail."""
    for marker, content in segments(jpeg):
        assert marker in (0xE0, 0xDB, 0xC0, 0xC4, 0xDA), hex(marker)
        if marker == 0xE0:
            assert content[:5] == b"JFIF\0"
            assert content[-2:] == b"\0\0"
            assert len(content) == 14


def with_position() -> bytes:
    """EXIF with the place, the camera's owner and a note, as phones write it."""
    exif = Image.Exif()
    exif[0x010F] = exif[0x9286] = CANARY
    exif.get_ifd(0x8825).update({1: "N", 2: (34.0, 15.0, 42.0), 3: "E", 4: (108.0, 56.0, 32.0), 27: CANARY.encode()})
    exif.get_ifd(0x8769).update({0xA430: CANARY, 0x9286: CANARY.encode()})
    return exif.tobytes()


def photos_with_a_canary() -> Iterator[tuple[str, bytes]]:
    image = Image.effect_noise((120, 90), 60).convert("RGB")
    exif, profile = with_position(), CANARY.encode() * 10
    packet = f"<x:xmpmeta><exif:GPSLatitude>{CANARY}</exif:GPSLatitude></x:xmpmeta>".encode()
    yield "jpeg", saved(image, "JPEG", exif=exif, comment=CANARY, icc_profile=profile, xmp=packet, dpi=(301, 301)) + CANARY.encode()
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Comment", CANARY)
    notes.add_text("zipped", CANARY, zip=True)
    notes.add_itxt("XML:com.adobe.xmp", packet.decode())
    yield "png", saved(image, "PNG", exif=exif, pnginfo=notes, icc_profile=profile) + CANARY.encode()
    yield "webp", saved(image, "WEBP", exif=exif, xmp=packet, icc_profile=profile, lossless=True)
    yield "polyglot", saved(image, "JPEG") + b"<html><script>alert(1)</script>PK\3\4" + CANARY.encode()


@pytest.mark.parametrize(("name", "data"), list(photos_with_a_canary()), ids=lambda value: value if isinstance(value, str) else "")
def test_nothing_of_what_stood_beside_the_pixels_comes_through(renderer: Renderer, tmp_path: Path, name: str, data: bytes) -> None:
    assert CANARY.encode() in data
    made = rendered(renderer, tmp_path, data)
    assert isinstance(made, Pictures)
    for picture in (made.view, made.thumb):
        assert_bare(picture)
        for word in (CANARY.encode(), CANARY.encode("utf-16-le"), b"Exif", b"adobe", b"ICC", b"script", b"PK\3\4"):
            assert word not in picture


# --- what it may not be ------------------------------------------------------------------------------------------


def png_claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size; hardly any pixels follow."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(10_000))) + chunk(b"IEND", b"")


def webp_claiming(width: int, height: int) -> bytes:
    """An extended WebP whose canvas claims a size."""
    canvas = b"\0\0\0\0" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    inner = saved(Image.new("RGB", (2, 2)), "WEBP")[12:]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + canvas + inner
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jpeg_claiming(width: int, height: int) -> bytes:
    """A JPEG whose frame header claims a size."""
    data = bytearray(saved(Image.new("RGB", (8, 8)), "JPEG"))
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(data)


def box(*brands: bytes) -> bytes:
    """The beginning of an ISO media file."""
    content = b"ftyp" + brands[0] + b"\0\0\0\0" + b"".join(brands)
    return struct.pack(">I", len(content) + 4) + content + bytes(100)


NOISE = saved(Image.effect_noise((300, 300), 80).convert("RGB"), "JPEG", quality=90)

REFUSED = {
    "heic": (box(b"heic", b"mif1"), "heic"),
    "heif": (box(b"mif1", b"heic"), "heic"),
    "avif": (box(b"avif", b"mif1"), "not_an_image"),
    "mp4": (box(b"isom"), "not_an_image"),
    "gif": (saved(Image.new("P", (9, 9)), "GIF"), "not_an_image"),
    "bmp": (saved(Image.new("RGB", (9, 9)), "BMP"), "not_an_image"),
    "tiff": (saved(Image.new("RGB", (9, 9)), "TIFF"), "not_an_image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not_an_image"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_an_image"),
    "html": (b"<html><img src=x onerror=alert(1)></html>", "not_an_image"),
    "nothing": (b"", "not_an_image"),
    "one byte": (b"\xff", "not_an_image"),
    "only a beginning": (b"\xff\xd8\xff\xe0", "damaged"),
    "cut jpeg": (NOISE[: len(NOISE) // 2], "damaged"),
    "cut png": (saved(Image.effect_noise((300, 300), 80), "PNG")[:20_000], "damaged"),
    "cut webp": (saved(Image.effect_noise((300, 300), 80).convert("RGB"), "WEBP")[:5_000], "damaged"),
    "png of 3,600 megapixels": (png_claiming(60_000, 60_000), "too_many_pixels"),
    "png just over": (png_claiming(50_000_001, 1), "too_many_pixels"),
    "jpeg of 4,290 megapixels": (jpeg_claiming(65_500, 65_500), "too_many_pixels"),
    "webp of 268 megapixels": (webp_claiming(16_384, 16_384), "too_many_pixels"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_photo_is_refused_with_its_reason(renderer: Renderer, tmp_path: Path, name: str) -> None:
    data, reason = REFUSED[name]
    assert rendered(renderer, tmp_path, data) == reason


def test_a_flood_of_compressed_text_does_no_harm(renderer: Renderer, tmp_path: Path) -> None:
    notes = PngImagePlugin.PngInfo()
    for number in range(20):
        notes.add_text(f"bomb {number}", "0" * 30_000_000, zip=True)
    data = saved(Image.new("RGB", (40, 40)), "PNG", pnginfo=notes)
    assert len(data) < 1_000_000
    assert rendered(renderer, tmp_path, data) == "damaged"


def peak_mib() -> float:
    """The most memory that this process had since the last reset."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def test_fifty_megapixels_and_bombs_do_not_grow_the_parent(tmp_path: Path) -> None:
    largest = saved(Image.new("L", (10_000, 5_000)), "PNG")
    with Renderer() as renderer:
        rendered(renderer, tmp_path, largest[:100])
        Path("/proc/self/clear_refs").write_text("5")
        before = peak_mib()
        made = rendered(renderer, tmp_path, largest)
        assert isinstance(made, Pictures)
        assert (made.width, made.height) == (1600, 800)
        for data, reason in REFUSED.values():
            assert rendered(renderer, tmp_path, data) == reason
        assert peak_mib() - before < 20


# --- the child's life --------------------------------------------------------------------------------------------


def test_a_child_that_takes_too_long_is_killed_and_the_next_photo_gets_another(tmp_path: Path) -> None:
    photo = tmp_path / "photo"
    photo.write_bytes(NOISE)
    with Renderer(wall_s=0.0) as renderer, pytest.raises(ChildDied) as death:
        renderer.render(photo)
    assert death.value.by_signal
    with Renderer() as renderer:
        with contextlib.suppress(ChildDied):
            renderer.render(tmp_path / "not there")
        assert isinstance(renderer.render(photo), Pictures)


def test_a_fault_of_ours_is_not_taken_for_one_of_the_photo(tmp_path: Path) -> None:
    with Renderer() as renderer, pytest.raises(ChildDied) as death:
        renderer.render(tmp_path / "not there")
    assert not death.value.by_signal


# --- real photos -------------------------------------------------------------------------------------------------


def test_real_photos_become_what_their_list_says(renderer: Renderer) -> None:
    folder = real_data("photos")
    if folder is None:
        return
    with open(folder / "index.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 14
    for row in rows:
        made = renderer.render(folder / row["file"])
        if row["format"] == "HEIF":
            assert made == "heic", row
        elif row["format"] in ("JPEG", "PNG", "WEBP") and row["decodes"] == "yes":
            assert isinstance(made, Pictures), row
            width, height = (int(side) for side in row["size"].split("x"))
            assert (made.width, made.height) == (width, height) if row["orientation"] == "1" else (height, width), row
            for picture in (made.view, made.thumb):
                assert_bare(picture)
                assert b"GPS" not in picture
                assert b"NIKON" not in picture
        elif row["format"] in ("JPEG", "PNG") or row["file"].endswith(".png"):
            assert made == "damaged", row
        else:
            assert made == "not_an_image", row
