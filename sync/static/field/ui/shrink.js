/* A photo as it will be sent: upright, long side at most 1,600, JPEG 0.8, and its hash. Works without a signal. */
import { toHex } from "../rules/ids.js";

const LONG_SIDE = 1600;

/** → {bytes, sha256, size}. Throws when the browser cannot read the picture (then the person is told). */
export async function shrink(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.8));
  if (!blob) throw new Error("the picture could not be encoded");
  const bytes = await blob.arrayBuffer();
  const sha256 = toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  return { bytes, sha256, size: bytes.byteLength };
}
