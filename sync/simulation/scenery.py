"""Words and pictures that a simulated worker brings: sentences of a street, and small real JPEG photos, each unlike every other."""

import io
import random

from PIL import Image, ImageDraw

SEEN = {  # what is seen, by a category's code or the beginning of it; the longest that fits counts
    "01": ("垃圾满溢，有异味", "渣土没有清走", "地上一片碎玻璃"), "0101": ("楼顶在加盖房间", "院里搭了棚子"), "0105": ("绿地里都是塑料袋",),
    "0106": ("有人在烧树叶",), "0107": ("路面有坑", "人行道砖松动"), "02": ("贴满小广告", "招牌一角脱落"), "0202": ("广告牌挡住人行道",),
    "03": ("围挡倾斜", "渣土车没盖篷布"), "0301": ("工地夜里还在施工",), "04": ("路面积水，行人绕行",), "0401": ("路面下沉开裂",),
    "0402": ("水管漏水",), "0403": ("有燃气味",), "0406": ("电线垂到路边",), "05": ("店外经营占道", "消防通道被占用"),
    "0502": ("车停在人行道上",), "0503": ("共享单车堆放挡路",), "0504": ("堆着旧家具",), "0505": ("音响声很大",), "1101": ("井盖缺失",),
    "1102": ("路灯不亮",), "1103": ("消火栓漏水",), "1201": ("红绿灯不亮",), "1202": ("指示牌歪了",), "1203": ("护栏断裂",),
    "1301": ("公厕门坏了",), "1302": ("垃圾箱满了",), "1401": ("树枝压住电线", "树倒在路边"), "1501": ("健身器材松动",), "1599": ("长椅坏了",),
}  # fmt: skip
UNSEEN = ("居民反映了新情况", "居民又来询问", "来访，希望有人回电话")  # of everything else
WHERE = ("路口东侧", "3号楼前", "菜市场门口", "公交站旁", "小区北门", "学校对面", "地铁口", "桥下")
SAID = ("已到现场查看", "明天再来看一次", "居民又来电话", "已放警示桩", "位置在图上偏了一点", "照片补上了", "物业说在处理")
ANSWERED = ("已安排处理", "请补充照片", "已电话回访", "转物业核实")


def description(rng: random.Random, category: str) -> str:
    """What is wrong, and where: words that belong to the category's code. The distance makes one sentence unlike the other."""
    fitting = [SEEN[category[:length]] for length in (4, 2) if category[:length] in SEEN]
    return f"{rng.choice(WHERE)}{rng.choice(fitting[0] if fitting else UNSEEN)}，离路口 {rng.randrange(5, 900)} 米"


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
