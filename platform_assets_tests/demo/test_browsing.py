"""What the records say of the people in them."""

from platform_assets_tests.demo.left_behind import LeftBehind

GAPS = "SELECT *, event_time - lag(event_time) OVER (PARTITION BY cookie_id ORDER BY event_time) AS gap FROM events"
SESSIONS = (
    "SELECT cookie_id, min(event_time) AS began, max(event_time) AS ended, count(*) AS events FROM ("
    " SELECT *, sum(CASE WHEN gap <= INTERVAL 30 MINUTE THEN 0 ELSE 1 END)"
    f" OVER (PARTITION BY cookie_id ORDER BY event_time, event_id) AS session FROM ({GAPS})"
    " WHERE user_agent LIKE 'M%/5%' AND user_agent NOT LIKE '%compatible%' AND user_agent NOT LIKE '%Headless%'"
    ") GROUP BY cookie_id, session"
)


def test_some_sessions_run_over_midnight(world: LeftBehind):
    over = world.value(f"SELECT count(*) FROM ({SESSIONS}) WHERE CAST(began AS DATE) < CAST(ended AS DATE)")
    assert over > 50


def test_sessions_have_a_few_to_a_few_dozen_events(world: LeftBehind):
    median, most = world.rows(f"SELECT median(events), max(events) FROM ({SESSIONS})")[0]
    assert 2 <= median <= 12
    assert 20 <= most <= 150


def test_only_example_domains_and_addresses_of_documentation_appear(world: LeftBehind):
    domains = "SELECT DISTINCT regexp_extract(unnest([url, referrer]), 'https?://([^/]+)', 1) AS domain FROM records"
    assert not world.rows(f"SELECT domain FROM ({domains}) WHERE domain IS NOT NULL AND domain NOT LIKE '%.example'")
    assert not world.rows("SELECT login FROM records WHERE login NOT LIKE '%@example.org'")
    assert not world.rows("SELECT ip FROM records WHERE NOT regexp_matches(ip, '^(198\\.1[89]|203\\.0\\.113)\\.')")
    assert not world.rows(
        f"SELECT domain FROM ({domains}) WHERE domain LIKE 'www.%-%' AND domain NOT IN (SELECT domain FROM sites)"
    )


def test_records_have_the_fields_their_event_type_promises(world: LeftBehind):
    assert not world.rows("SELECT * FROM records WHERE (value IS NOT NULL) <> (event_type = 'purchase')")
    with_item = "event_type IN ('product_view', 'add_to_cart', 'purchase')"
    assert not world.rows(f"SELECT * FROM records WHERE (item IS NOT NULL) <> ({with_item})")
    assert not world.rows("SELECT * FROM records WHERE (device_id IS NOT NULL) <> (user_agent LIKE 'MarketApp%')")
    types = {row[0] for row in world.rows("SELECT DISTINCT event_type FROM records")}
    expected = {"page_view", "product_view", "search", "ad_impression", "ad_click", "add_to_cart", "purchase"}
    assert types == expected


def test_people_log_in_as_their_kind_does(world: LeftBehind):
    seen = world.rows(
        "SELECT p.kind, avg(CAST(login IS NOT NULL AS INT)), avg(CAST(login IS NOT NULL AS INT))"
        " FILTER (event_type = 'purchase') FROM events JOIN identifiers i ON identifier = cookie_id"
        " JOIN persons p USING (person_id) GROUP BY p.kind ORDER BY p.kind"
    )
    (_, always, _), (_, mixed, mixed_buying), (_, never, _) = seen
    assert (always, never, mixed_buying) == (1, 0, 1)
    assert 0.5 < mixed < 0.99


def test_logins_and_cookies_lead_to_one_person(world: LeftBehind):
    assert world.value(
        "SELECT bool_and(c.person_id = l.person_id) FROM events"
        " JOIN identifiers c ON c.identifier = cookie_id JOIN identifiers l ON l.identifier = login"
    )
    assert world.value("SELECT count(*) = count(DISTINCT identifier) FROM identifiers")


def test_visitors_of_a_campaign_land_with_its_parameters(world: LeftBehind):
    campaigns = world.rows(
        "SELECT regexp_extract(url, 'utm_campaign=(\\w+)', 1) AS campaign, count(*),"
        " count(DISTINCT CAST(event_time AS DATE)), bool_and(url LIKE '%utm_source=%&utm_medium=%')"
        " FROM events WHERE url LIKE '%utm_%' GROUP BY campaign"
    )
    assert len(campaigns) >= 4
    assert all(landings > 20 and days <= 7 and complete for _, landings, days, complete in campaigns)


def test_evenings_are_busier_than_nights(world: LeftBehind):
    hours = dict(world.rows("SELECT hour(event_time), count(*) FROM events GROUP BY 1"))
    assert hours[19] > 5 * hours[3]
