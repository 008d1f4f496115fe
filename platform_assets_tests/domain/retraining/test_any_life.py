"""Whatever happens in the life of a model: what always holds of its decisions, and the same rules in plain words."""

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.retraining.decision import TRIGGERS, Decision
from platform_assets_tests.domain.retraining.lives import LAG, OLD, Life, day, life

POLICIES = st.builds(
    RetrainPolicy,
    fresh_days=st.one_of(st.none(), st.integers(5, 60)),
    violated_days=st.integers(1, 2),
    matured_days=st.integers(2, 5),
    on_drift=st.booleans(),
    learnable_days=st.integers(0, 9),
    cooldown_days=st.integers(0, 12),
    attempts=st.integers(1, 3),
)
DAYS = st.sets(st.integers(0, 69), max_size=40)
WORLDS = st.fixed_dictionaries(
    {
        "violated": DAYS,
        "drifted": DAYS,
        "mends_from": st.integers(0, 60),
        "outcomes": st.lists(st.sampled_from(["promoted", "refused", 1, 2, 99]), max_size=8),
        "requests": st.dictionaries(st.integers(0, 69), st.just("somebody"), max_size=3),
        "landing_lag": st.dictionaries(st.integers(0, 69), st.integers(1, 3), max_size=5),
    }
)


@settings(max_examples=80, deadline=None)
@given(POLICIES, WORLDS, st.integers(0, 80))
def test_whatever_happens_trainings_keep_their_distance_and_learn_from_final_labels(
    policy: RetrainPolicy, world: dict[str, Any], days_old: int
) -> None:
    lived = life(policy, **world).live(70, days_old=days_old)
    assert [each.decision_date for each in lived.decisions] == [day(number) for number in range(70)]
    last: Decision | None = None
    for number, decision in enumerate(lived.decisions):
        assert tuple(trigger.name for trigger in decision.triggers) == TRIGGERS
        assert Decision.of_row(decision.row()) == replace(decision, triggers=())
        waits = lived.decisions[number - 1].training_date if number else None
        if decision.retrain:
            assert any(trigger.fired for trigger in decision.triggers) or decision.change_date is not None
            assert number not in lived.landing_lag
            assert number - lived.spec.label.maturity_days + days_old + 1 >= LAG.history_days
            if last is not None and decision.requested_by is None:
                assert (decision.decision_date - last.decision_date).days >= policy.cooldown_days
            last = decision
        elif waits is not None and decision.training_date is not None:
            assert decision.training_date == waits
        if decision.change_date is not None:
            assert decision.due_date is not None and decision.noticed_date is not None
            assert decision.change_date <= decision.noticed_date <= decision.decision_date
            learned_until = decision.due_date - timedelta(days=LAG.days)
            assert (
                policy.learnable_days == 0 or (learned_until - decision.change_date).days + 1 >= policy.learnable_days
            )


def expected_trainings(lived: Life, until: int, days_old: int) -> list[int]:
    """The same rules in plain words, day by day and from the whole history, with nothing carried over but trainings.

    For worlds without requests and late landing, where every training is promoted, and only drift or violations tell.
    """
    policy, yes, trained = lived.spec.retraining, list[int](), None
    noticed: tuple[int, str, int] | None = None
    for now in range(until):
        if now - 8 + days_old + 1 < LAG.history_days:
            continue
        if trained is None:
            yes.append(now)
            trained, noticed = now, None
            continue
        looks = [("metric", lived.violated, 8, 6)] + ([("drift", lived.drifted, 0, 0)] if policy.on_drift else [])
        persists, fires = False, list[tuple[int, str, int]]()
        for name, bad, lag, looks_ahead in looks:
            seen = list(range(trained + 1, now - lag + 1))[-policy.matured_days :]
            bad_days = [n for n in seen if n in bad and trained < lived.mends_from]
            if len(bad_days) >= policy.violated_days:
                persists = True
                fires += [(now, name, bad_days[0] + looks_ahead)] if bad_days[-1] == seen[-1] else []
        if not persists:
            noticed = None
        elif fires and (noticed is None or (noticed[1] == "drift" and fires[0][1] == "metric")):
            noticed = fires[0]
        if noticed is None:
            continue
        due = noticed[2] + policy.learnable_days - 1 + LAG.days if policy.learnable_days else noticed[0]
        if now >= max(due, trained + policy.cooldown_days):
            yes.append(now)
            trained, noticed = now, None
    return yes


@settings(max_examples=60, deadline=None)
@given(POLICIES, DAYS, DAYS, st.integers(0, 60), st.integers(0, 80))
def test_trainings_fall_on_the_days_that_the_rules_in_plain_words_name(
    policy: RetrainPolicy, violated: set[int], drifted: set[int], mends_from: int, days_old: int
) -> None:
    lived = life(replace(policy, fresh_days=None), violated=violated, drifted=drifted, mends_from=mends_from)
    assert lived.live(70, days_old=days_old).yes() == expected_trainings(lived, 70, days_old)


@settings(max_examples=30, deadline=None)
@given(POLICIES, WORLDS, st.integers(0, 80))
def test_at_most_one_training_is_under_way(policy: RetrainPolicy, world: dict[str, Any], days_old: int) -> None:
    lived = life(policy, **world).live(70, days_old=days_old)
    settled = {version.training_date for version in lived.versions}
    decided = [day(number) for number in lived.yes()]
    for before, after in pairwise(decided):
        tries = [each for each in lived.decisions if each.training_date == before]
        assert before in settled or len(tries) == policy.attempts
        assert all(each.decision_date < after for each in tries)


@settings(max_examples=20, deadline=None)
@given(POLICIES, st.integers(0, 80))
def test_in_a_quiet_world_only_age_trains_again(policy: RetrainPolicy, days_old: int) -> None:
    lived = life(replace(policy, fresh_days=None)).live(70, days_old=days_old)
    assert len(lived.yes()) == (1 if days_old + 70 >= OLD else 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), st.integers(0, 7), st.integers(12, 30), st.booleans())
def test_a_lasting_change_is_trained_on_exactly_once_and_when_it_is_due(
    learnable: int, cooldown: int, begins: int, drift: bool
) -> None:
    policy = RetrainPolicy(fresh_days=None, learnable_days=learnable, cooldown_days=cooldown)
    world = {"drifted" if drift else "violated": set(range(begins, 150))}
    lived = life(policy, mends_from=begins + 1, **world).live(150, days_old=OLD)
    assert lived.yes() == [
        0,
        max(begins + (0 if drift else 6) + learnable - 1 + LAG.days, begins + 1 + (0 if drift else 8)),
    ]
