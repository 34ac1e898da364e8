from app.core.event_types import EVENT_TYPES, find_event_type, service_of


def test_radius_outcomes_are_listed_as_not_deliverable_with_a_reason() -> None:
    undeliverable = {kind.id for kind in EVENT_TYPES if not kind.deliverable}
    assert undeliverable == {"entrypoint.radius.authentication", "entrypoint.radius.accounting"}
    assert all(bool(kind.reason) != kind.deliverable for kind in EVENT_TYPES)


def test_the_service_is_the_first_part_of_the_type() -> None:
    assert all(kind.service == service_of(kind.id) for kind in EVENT_TYPES)
    assert service_of("Brand.New") == "brand"
    assert service_of(".x") == "unknown"
    assert find_event_type("brand.new") is None
