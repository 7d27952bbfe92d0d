"""Words and pictures that a simulated worker brings: sentences of a street, and small real JPEG photos, each unlike every other."""

import io
import random

from PIL import Image, ImageDraw

SEEN = (
    "井盖缺失,行人绕行", "路灯不亮", "垃圾满溢,有异味", "人行道砖松动", "树枝压住电线", "共享单车堆放挡路", "下水道堵塞,路面积水",
    "工地围挡倾斜", "店外经营占道", "墙面小广告", "消防通道被占用", "健身器材损坏", "护栏断裂", "水管漏水", "楼道堆放杂物",
)  # fmt: skip
WHERE = ("路口东侧", "3号楼前", "菜市场门口", "公交站旁", "小区北门", "学校对面", "地铁口", "桥下")
SAID = ("已到现场查看", "明天再来看一次", "居民又来电话", "已放警示桩", "位置在图上偏了一点", "照片补上了", "物业说在处理")
ANSWERED = ("已安排处理", "请补充照片", "已电话回访", "转物业核实")


def description(rng: random.Random) -> str:
    """What is wrong, and where."""
    return f"{rng.choice(WHERE)}{rng.choice(SEEN)}({rng.randrange(10_000):04d})"


def picture(rng: random.Random, *, side: int = 320) -> bytes:
    """A JPEG of some 10–40 KB: a street of coloured fronts under noise, as no other phone takes it."""
    width, height = side, side * 3 // 4
    image = Image.new("RGB", (width, height), _colour(rng, 150, 230))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 2 // 3, width, height), fill=_colour(rng, 60, 120))
    for left in range(0, width, width // 8):
        top = rng.randrange(height // 6, height // 2)
        draw.rectangle((left, top, left + width // 9, height * 2 // 3), fill=_colour(rng, 80, 220))
    draw.ellipse((width // 3, height * 3 // 4, width // 2, height * 9 // 10), fill=_colour(rng, 10, 60))
    grain = Image.frombytes("L", (width // 2, height // 2), rng.randbytes((width // 2) * (height // 2))).resize((width, height))
    image = Image.blend(image, Image.merge("RGB", (grain, grain, grain)), 0.15)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=rng.randrange(60, 90))
    return out.getvalue()


def _colour(rng: random.Random, low: int, high: int) -> tuple[int, int, int]:
    return rng.randrange(low, high), rng.randrange(low, high), rng.randrange(low, high)
