import pytest

from orders_service.time_zones import zone_of


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+5"])
def test_a_zone_is_found_by_its_name(name: str) -> None:
    assert zone_of(name).key == name


@pytest.mark.parametrize(
    "name",
    ["", "Europe", "Europe/Atlantis", "localtime", "posixrules", "../UTC", "/UTC", "U\0TC", "x" * 70, "right/UTC"],
)
def test_what_is_no_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="should be the name of a time zone"):
        zone_of(name)
