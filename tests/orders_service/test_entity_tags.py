import pytest

from orders_service.entity_tags import is_named, tag_of

TAG = tag_of("{}")


def test_equal_bodies_have_equal_tags_and_others_others() -> None:
    assert tag_of("{}") == TAG != tag_of("{ }")
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize("header", [TAG, f'"other", {TAG}', f'W/"other",{TAG}', "*", " * "])
def test_a_tag_is_found_in_a_header(header: str) -> None:
    assert is_named(header, TAG, weakly=False)


@pytest.mark.parametrize(
    "header", ["", '"other"', TAG.strip('"'), TAG[:-1], "x" * 5000, '"\x00"', f"{'x' * 1000}{TAG}"]
)
def test_another_tag_is_not(header: str) -> None:
    assert not is_named(header, TAG, weakly=True)


@pytest.mark.parametrize(("weakly", "found"), [(True, True), (False, False)])
def test_a_weakened_tag_is_good_for_reading_only(weakly: bool, found: bool) -> None:  # noqa: FBT001 - parameters
    assert is_named(f"W/{TAG}", TAG, weakly=weakly) is found
