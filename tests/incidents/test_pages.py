"""The desk's pages: who sees which case and what of it, how many statements that costs, and what a bad address gets."""

import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from incidents.models import Category
from tests.incidents.pushing import Hand, act, comment, edit, new_id, photo
from tests.world import A1N, B1C, CELL, NEXT_CELL, World

ENGLISH = {"Accept-Language": "en"}


@pytest.fixture
def hand(world: World) -> Hand:
    """Pushes through the door."""
    return Hand(world)


def text_of(client: Client, path: str, status: int = 200) -> str:
    """The page in English."""
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == status, (path, answer.status_code)
    return answer.content.decode()


def listed(page: str) -> list[str]:
    """Ids of the cases in the queue, in their order."""
    return re.findall(r'<li data-id="([^"]+)"', page)


def counted(page: str) -> dict[str, int]:
    """The counters by queue."""
    return {queue: int(n) for queue, n in re.findall(r'data-queue="(\w+)"[^>]*>[^<]*<b[^>]*>(\d+)</b>', page)}


def test_who_is_not_signed_in_is_sent_to_sign_in_and_a_script_is_told_so(world: World, client: Client) -> None:
    case = uuid.uuid4()
    for path in ("/desk/", f"/desk/cases/{case}/", "/desk/?queue=closed"):
        answer = client.get(path)
        assert answer.status_code == 302 and answer["Location"].startswith("/login/?next=/desk/")
    for path in ("/desk/part/queue/", f"/desk/part/cases/{case}/"):
        answer = client.get(path)
        assert answer.status_code == 401 and answer.json()["code"] == "not_authenticated"


def test_pages_are_read_only_and_never_kept(world: World) -> None:
    browser = world.browser("secretary")
    assert browser.post("/desk/").status_code == 405
    assert browser.get("/desk/")["Cache-Control"] == "no-store"


def test_each_case_stands_in_the_queue_of_its_state(world: World, hand: Hand) -> None:
    cases = {state: hand.in_state(state) for state in ("reported", "registered", "resolved", "closed", "rejected")}
    browser = world.browser("secretary")
    queues = {
        queue: set(listed(text_of(browser, f"/desk/?queue={queue}")))
        for queue in ("reported", "registered", "resolved", "closed", "conflicts")
    }
    assert queues == {
        "reported": {cases["reported"]},
        "registered": {cases["registered"]},
        "resolved": {cases["resolved"]},
        "closed": {cases["closed"], cases["rejected"]},
        "conflicts": set(),
    }
    assert counted(text_of(browser, "/desk/")) == {"reported": 1, "registered": 1, "resolved": 1, "conflicts": 0, "closed": 2}


@pytest.mark.parametrize(
    ("name", "sees"),
    [
        ("secretary", {CELL, NEXT_CELL}), ("operator", {CELL, NEXT_CELL, A1N + "001"}), ("worker", {CELL}), ("secretary2", {B1C + "001"}),
        ("supervisor", {CELL, NEXT_CELL, A1N + "001", B1C + "001"}), ("handler", set()), ("former", set()), ("stranger", set()), ("admin", set()),
    ],
)  # fmt: skip
def test_everybody_sees_the_cases_of_their_places_and_no_others(world: World, hand: Hand, name: str, sees: set[str]) -> None:
    by = {CELL: "worker", NEXT_CELL: "neighbour", A1N + "001": "operator", B1C + "001": "worker2"}
    if name in by.values():  # authors see their own wherever it lies; that is another test's
        by = dict.fromkeys(by, "handler" if name != "handler" else "former")
    elif name in ("handler", "former"):
        by = dict.fromkeys(by, "worker2")
    cases = {code: hand.reported(code, by=author) for code, author in by.items()}
    browser = world.browser(name)
    page = text_of(browser, "/desk/")
    assert set(listed(page)) == {cases[code] for code in sees}
    assert counted(page)["reported"] == len(sees)
    nowhere = browser.get(f"/desk/cases/{uuid.uuid4()}/", headers=ENGLISH)
    for code, case in cases.items():
        answer = browser.get(f"/desk/cases/{case}/", headers=ENGLISH)
        part = browser.get(f"/desk/part/cases/{case}/", headers=ENGLISH)
        assert (answer.status_code, part.status_code) == ((200, 200) if code in sees else (404, 404))
        if code not in sees:
            assert answer.content == nowhere.content


def test_an_author_sees_their_own_case_elsewhere(world: World, hand: Hand) -> None:
    case = hand.reported(B1C + "001", by="worker")
    assert listed(text_of(world.browser("worker"), "/desk/")) == [case]


def test_restricted_words_are_shown_to_the_owner_unit_and_the_author_alone(world: World, hand: Hand) -> None:
    category = Category.objects.filter(restricted=True).order_by("code").last()
    assert category is not None
    case = hand.reported(by="worker", category=category.code, description="quarrel on floor 3")
    for name, reads in (("secretary", True), ("worker", True), ("operator", False), ("supervisor", False)):
        browser = world.browser(name)
        for path in ("/desk/", f"/desk/cases/{case}/", f"/desk/part/cases/{case}/", "/desk/part/queue/"):
            assert ("quarrel" in text_of(browser, path)) is reads, (name, path)
        assert listed(text_of(browser, "/desk/?q=quarrel")) == []


def test_internal_lines_are_for_staff_and_their_writer(world: World, hand: Hand) -> None:
    case = hand.reported(by="neighbour")
    hand.one("secretary", comment(case, "call the owner first"))
    for name, reads in (("secretary", True), ("operator", True), ("worker", False), ("neighbour", False)):
        assert ("call the owner first" in text_of(world.browser(name), f"/desk/cases/{case}/")) is reads, name


def test_names_of_persons_are_not_shown(world: World, hand: Hand) -> None:
    case = hand.reported(by="worker")
    type(world.user("worker")).objects.filter(username="worker").update(name="Zhang San")
    page = text_of(world.browser("secretary"), f"/desk/cases/{case}/")
    assert "Zhang San" not in page and "grid worker" in page


def clash(world: World, hand: Hand) -> str:
    """A case whose description two people changed."""
    case = hand.reported(by="worker", description="as it was")
    assert hand.one("secretary", edit(case, 1, description=("as it was", "the desk's")))["outcome"] == "applied"
    assert hand.one("worker", edit(case, 1, description=("as it was", "the phone's")))["outcome"] == "conflict"
    return case


def test_a_conflict_stands_in_its_queue_with_both_versions_and_what_may_be_chosen(world: World, hand: Hand) -> None:
    case = clash(world, hand)
    secretary = world.browser("secretary")
    page = text_of(secretary, "/desk/?queue=conflicts")
    assert listed(page) == [case] and counted(page)["conflicts"] == 1
    page = text_of(secretary, f"/desk/cases/{case}/")
    assert "the <mark>desk</mark>&#x27;s" in page and "the <mark>phone</mark>&#x27;s" in page and "as it was" in page
    assert re.search(r'data-testid="take-client" aria-keyshortcuts="2">', page)
    # Its author may give up, not decide; a colleague does not see it.
    page = text_of(world.browser("worker"), f"/desk/cases/{case}/")
    assert re.search(r'data-testid="take-client" aria-keyshortcuts="2" aria-disabled="true"', page)
    assert re.search(r'data-testid="take-server" aria-keyshortcuts="1">', page)
    type(world.user("neighbour").memberships.get()).objects.filter(user=world.user("neighbour")).update(place=world.places[CELL])
    assert 'data-testid="conflict"' not in text_of(world.browser("neighbour"), f"/desk/cases/{case}/")


def test_what_may_not_be_done_is_grey_and_says_why(world: World, hand: Hand) -> None:
    case = hand.reported()
    page = text_of(world.browser("secretary"), f"/desk/cases/{case}/")
    buttons = dict(re.findall(r'(<button[^>]*data-act="(\w+)"[^>]*>)', page))
    assert set(buttons.values()) == {"register", "reject", "resolve", "close", "reopen"}
    assert {action for tag, action in buttons.items() if "aria-disabled" not in tag} == {"register", "reject"}
    assert "Not possible in the present state." in page
    page = text_of(world.browser("worker"), f"/desk/cases/{case}/")
    assert page.count('aria-disabled="true"') == 5 and "Your role may not do this." in page


def test_photos_are_counted_as_stored_of_declared(world: World, hand: Hand) -> None:
    case = hand.reported(photos=[photo(), photo(), photo()])
    page = text_of(world.browser("secretary"), f"/desk/cases/{case}/")
    assert "0 of 3 photos" in page and page.count("on its way") == 3 and "▣ 0/3" in page


def test_words_that_look_like_code_are_words(world: World, hand: Hand) -> None:
    evil = "\"><script>alert(1)</script> ' onmouseover='x {{ q }}"
    case = hand.reported(description=evil)
    hand.one("secretary", comment(case, evil, visibility="public"))
    browser = world.browser("secretary")
    for path in (f"/desk/cases/{case}/", "/desk/", f"/desk/?q={evil}"):
        page = browser.get(path).content.decode()
        assert "<script>alert" not in page and "' onmouseover" not in page


def test_nothing_in_the_pages_is_inline(world: World, hand: Hand) -> None:
    browser = world.browser("secretary")
    page = text_of(browser, f"/desk/cases/{clash(world, hand)}/") + text_of(browser, "/desk/?q=nothing")
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


def test_all_of_it_is_there_in_chinese_and_in_english(world: World, hand: Hand) -> None:
    browser = world.browser("secretary")
    case = clash(world, hand)
    chinese = browser.get(f"/desk/cases/{case}/", headers={"Accept-Language": "zh-hans"}).content.decode()
    for words in (
        "待审",
        "处置",
        "待签",
        "冲突",
        "已结",
        "立案",
        "不予受理",
        "办结",
        "结案",
        "重开",
        "两人同时改动了这一项。",
        "时间线",
        "保留现有",
    ):
        assert words in chinese
    english = text_of(browser, f"/desk/cases/{case}/")
    for words in ("Review", "In hand", "Sign off", "Conflicts", "Closed", "Register", "Reject", "Resolve", "Timeline", "Keep this"):
        assert words in english
    shown = re.sub(r"第\w+(?:网格中心|社区|街道|区|网格)|简体中文|西安市网格中心", "", english)
    assert re.findall(r"[\u4e00-\u9fff]+", shown) == []


def test_paging_shows_every_case_once(world: World, hand: Hand) -> None:
    cases = [hand.reported() for _ in range(7)]
    browser, found, path = world.browser("secretary"), [], "/desk/?queue=reported&limit=3"
    for _ in range(4):
        page = text_of(browser, path)
        found += listed(page)
        more = re.search(r'data-role="more" href="([^"]+)"', page)
        if more is None:
            break
        path = more[1].replace("&amp;", "&") + "&limit=3"
    assert len(found) == 7 and set(found) == set(cases)


def test_searching_looks_at_numbers_and_words_in_every_state(world: World, hand: Hand) -> None:
    closed = hand.in_state("closed", description="100% broken_lamp")
    other = hand.reported(description="1000 broken lamps")
    browser = world.browser("secretary")
    assert listed(text_of(browser, "/desk/?q=100%25 broken_")) == [closed]
    assert set(listed(text_of(browser, "/desk/?q=broken"))) == {closed, other}
    number = re.search(r'data-testid="number">([^<]+)<', text_of(browser, f"/desk/cases/{other}/"))
    assert number and listed(text_of(browser, f"/desk/?q={number[1]}")) == [other]
    assert "Nothing is found." in text_of(browser, "/desk/?q=zebra")


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/desk/?queue=nonsense", 404), ("/desk/?queue=all", 404), ("/desk/?cursor=nonsense", 400), ("/desk/?cursor=%ff%fe", 400),
        ("/desk/?limit=-1", 200), ("/desk/?limit=9999999999", 200), ("/desk/?limit=x", 200), ("/desk/?limit=²", 200), ("/desk/?q=" + "x" * 5000, 200),
        ("/desk/?q=%00", 400), ("/desk/?q=%F0%9F%98%80", 200), ("/desk/?q='%3B drop table", 200), ("/desk/cases/nonsense/", 404), ("/desk/cases/", 404),
        ("/desk/part/queue/?queue=x", 404), ("/desk/?q=!%25_", 200), ("/desk/?q=%ED%A0%80", 200),
    ],
)  # fmt: skip
def test_a_bad_address_gets_a_plain_answer(world: World, address: str, status: int) -> None:
    browser = world.browser("secretary")
    assert browser.get(address).status_code == status


def test_the_number_of_statements_does_not_grow_with_cases_events_or_conflicts(world: World, hand: Hand) -> None:
    browser = world.browser("secretary")

    def cost(path: str) -> int:
        browser.get(path)  # what is kept in memory afterwards
        with CaptureQueriesContext(connection) as caught:
            assert browser.get(path).status_code == 200
        return len(caught)

    case = clash(world, hand)
    before = cost("/desk/"), cost("/desk/?queue=conflicts"), cost(f"/desk/cases/{case}/")
    for _ in range(8):
        hand.reported(NEXT_CELL, by="neighbour", photos=[photo(), photo()], category="0301")
        clash(world, hand)
        hand.one("secretary", comment(case))
        hand.one("secretary", act(case, 10_000, "register"))
    assert (cost("/desk/"), cost("/desk/?queue=conflicts"), cost(f"/desk/cases/{case}/")) == before
    assert before[0] <= 10 and before[2] <= 20, before


def test_ids_of_others_and_unknown_ids_look_alike_in_parts_too(world: World, hand: Hand) -> None:
    foreign = hand.reported(B1C + "001", by="worker2")
    browser = world.browser("secretary")
    answers = [browser.get(f"/desk/part/cases/{key}/") for key in (foreign, new_id())]
    assert answers[0].status_code == answers[1].status_code == 404
    assert answers[0].content == answers[1].content
