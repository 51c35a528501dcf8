import pytest

from orders_service.preconditions import PreconditionFailed, Preconditions, is_known, tag_of

TAG = tag_of("{}")


def test_equal_bodies_have_equal_tags_and_others_others() -> None:
    assert tag_of("{}") == TAG != tag_of("{ }")
    assert TAG.startswith('"')
    assert TAG.endswith('"')


@pytest.mark.parametrize("header", [TAG, f'"other", {TAG}', f'W/"other",{TAG}', "*", " * "])
def test_a_tag_is_found_in_a_header(header: str) -> None:
    Preconditions(if_match=header).check(TAG)
    assert is_known(header, TAG)


@pytest.mark.parametrize("header", ["", '"other"', TAG.strip('"'), TAG[:-1], "x" * 5000, '"\x00"'])
def test_another_tag_is_not(header: str) -> None:
    with pytest.raises(PreconditionFailed):
        Preconditions(if_match=header).check(TAG)
    assert not is_known(header, TAG)


def test_a_weakened_tag_is_good_for_reading_only() -> None:
    assert is_known(f"W/{TAG}", TAG)
    with pytest.raises(PreconditionFailed):
        Preconditions(if_match=f"W/{TAG}").check(TAG)
