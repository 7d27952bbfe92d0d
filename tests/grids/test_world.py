"""The tiny city is a city: trees, shapes and people fit together."""

import shapely

from gridgov.feed.models import FeedRow
from grids.models import Place
from incidents.models import Category
from tests.world import CAST, World


def test_the_tree_is_the_one_that_mptt_would_have_built(world: World) -> None:
    before = list(Place.objects.order_by("pk").values_list("pk", "tree_id", "lft", "rght", "depth"))
    Place.objects.rebuild()
    assert list(Place.objects.order_by("pk").values_list("pk", "tree_id", "lft", "rght", "depth")) == before


def test_cells_make_up_the_districts(world: World) -> None:
    shapes = {code: shapely.from_wkb(bytes(place.geometry)) for code, place in world.places.items()}
    cells = [shape for code, shape in shapes.items() if world.places[code].level == "grid"]
    districts = [shape for code, shape in shapes.items() if world.places[code].level == "district"]
    assert len(cells) == 12 and len(districts) == 2
    assert shapely.coverage_is_valid(cells)
    assert shapely.union_all(cells).equals(shapely.union_all(districts))


def test_all_places_units_and_categories_are_in_the_feed(world: World) -> None:
    kinds = list(FeedRow.objects.values_list("type", flat=True))
    assert kinds.count("place") == len(world.places) == 24
    assert kinds.count("unit") == len(world.units)
    assert kinds.count("category") == Category.objects.count() > 40


def test_everybody_of_the_cast_can_log_in_and_is_who_they_are_said_to_be(world: World) -> None:
    for name, (_, role, place, _) in CAST.items():
        grants = world.actor(name).grants
        ended = name == "former"
        assert [(g.role, g.code) for g in grants] == ([] if role is None or ended else [(role, place)])
        assert world.user(name).check_password("test-password-4711")


def test_the_world_can_be_made_again_after_a_test_with_real_transactions(transactional_db: None, world: World) -> None:
    assert Place.objects.count() == 24


def test_a_browser_signs_in_with_the_password_and_keeps_a_device(world: World) -> None:
    browser = world.browser("secretary")
    assert "gridgov_device" in browser.cookies
