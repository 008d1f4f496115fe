"""What is decided in the life of a model: when it is trained again, when not, and what the reason says."""

from dataclasses import replace
from datetime import timedelta

import pytest

from platform_assets.domain.model_policies import RetrainPolicy
from platform_assets.domain.retraining.decide import decide
from platform_assets.domain.retraining.evidence import KnownVersion
from platform_assets_tests.domain.retraining.lives import LAG, OLD, day, life
from platform_assets_tests.model_worlds import small_spec

SURE = 20 + 6
"""The first day that lies wholly after a change by which day 20 is violated: its label looks at 7 days."""


def test_the_first_training_waits_for_enough_history_with_final_labels() -> None:
    lived = life().live(60)
    assert lived.yes() == [OLD - 1]
    first = lived.decisions[0]
    needs = f"days with features and final labels are there, a training needs {LAG.history_days}"
    assert first.reason == f"no: 0 {needs}"
    assert lived.decisions[20].reason == f"no: 13 {needs}: on {day(OLD - 1)}"
    assert lived.decisions[OLD - 1].reason == "yes: no version is champion"


def test_what_is_enough_history_for_the_engine_is_enough_for_a_training() -> None:
    from platform_assets.domain.modelling.time_split import TrainingSetUnusable, split_by_time
    from platform_assets.domain.modelling.training import train
    from platform_assets_tests.model_worlds import TRAINING_DATE, training_rows

    spec, last = small_spec(), small_spec().label.last_mature(TRAINING_DATE)
    rows = training_rows(spec, users=60)
    enough = rows["feature_date"] > last - timedelta(days=LAG.history_days)
    train(rows[enough], spec, TRAINING_DATE)
    learned = split_by_time(rows[enough], spec).search["feature_date"].max()
    assert (TRAINING_DATE - learned).days == LAG.days
    with pytest.raises(TrainingSetUnusable, match=r"folds|learn from"):
        train(rows[rows["feature_date"] > last - timedelta(days=LAG.history_days - 1)], spec, TRAINING_DATE)


def test_without_a_champion_it_is_tried_again_after_the_cooldown() -> None:
    lived = life(outcomes=["refused", "refused", "promoted"]).live(60, days_old=OLD)
    assert lived.yes() == [0, 7, 14]
    assert "the cooldown after the training as of 2026-01-01 lasts until 2026-01-08" in lived.decisions[3].reason


def test_a_persistent_violation_is_noticed_and_trained_on_once_when_it_can_be_learned() -> None:
    lived = life(violated=set(range(20, 120)), mends_from=21).live(120, days_old=OLD)
    due = SURE + 7 - 1 + LAG.days
    assert lived.yes() == [0, due]
    noticed = 21 + 8
    assert [each.noticed_date for each in lived.decisions[noticed - 1 : due + 2]] == [
        None,
        *[day(noticed)] * (due + 1 - noticed),
        None,
    ]
    assert lived.decisions[noticed].reason == (
        "no, noticed: auc was violated on 2 of the last 5 matured days, until 2026-01-22; "
        f"waits until {day(due)}, when 7 days since 2026-01-27 can be learned"
    )
    assert lived.decisions[due].reason.endswith("days since 2026-01-27 can be learned now")
    assert lived.decisions[due + 1].reason == "no: what was noticed on 2026-01-30 is over: version 2 is champion"


def test_the_decided_training_has_days_from_after_the_change_to_learn_from() -> None:
    lived = life(violated=set(range(20, 120)), mends_from=21).live(120, days_old=OLD)
    _, decided = (decision for decision in lived.decisions if decision.retrain)
    learned_until = decided.decision_date - timedelta(days=LAG.days)
    assert decided.change_date == day(SURE)
    assert (learned_until - day(SURE)).days + 1 == small_spec().retraining.learnable_days


def test_a_violation_that_passes_before_it_is_due_is_closed_with_its_reason() -> None:
    lived = life(violated={20, 21, 22}).live(60, days_old=OLD)
    assert lived.yes() == [0]
    (closed,) = (each for each in lived.decisions if "is over" in each.reason)
    assert closed.decision_date == day(26 + 8)
    assert closed.reason == "no: what was noticed on 2026-01-30 is over: the last days are good again"


def test_one_good_day_among_bad_ones_does_not_begin_the_waiting_anew() -> None:
    lived = life(violated=set(range(20, 120)) - {24, 27, 31}, mends_from=21).live(120, days_old=OLD)
    assert lived.yes() == [0, SURE + 7 - 1 + LAG.days]


@pytest.mark.parametrize("noisy", [{20}, {20, 26, 32}, {20, 25, 30, 35}])
def test_single_bad_days_do_not_train(noisy: set[int]) -> None:
    assert life(violated=noisy, drifted=noisy).live(80, days_old=OLD).yes() == [0]


def test_a_change_that_a_training_did_not_mend_is_trained_on_again_with_as_many_days_more() -> None:
    due = SURE + 7 - 1 + LAG.days
    lived = life(violated=set(range(20, 120)), mends_from=21, outcomes=["promoted", "refused", "promoted"])
    assert lived.live(120, days_old=OLD).yes() == [0, due, due + 7]


def test_a_longer_time_to_learn_counts_again_after_a_training_that_was_refused() -> None:
    policy = RetrainPolicy(fresh_days=None, learnable_days=10, cooldown_days=3)
    due = SURE + 10 - 1 + LAG.days
    lived = life(policy, violated=set(range(20, 120)), mends_from=21, outcomes=["promoted", "refused", "promoted"])
    assert lived.live(120, days_old=OLD).yes() == [0, due, due + 10]


def test_a_change_right_after_a_training_is_due_after_the_cooldown_at_the_earliest() -> None:
    policy = RetrainPolicy(fresh_days=None, learnable_days=0)
    lived = life(policy, drifted=set(range(1, 60)), mends_from=1).live(20, days_old=OLD)
    assert (lived.decisions[2].noticed_date, lived.decisions[2].due_date) == (day(2), day(7))
    assert lived.yes() == [0, 7]


def test_what_was_noticed_under_another_champion_begins_anew() -> None:
    lived = life(RetrainPolicy(fresh_days=None, violated_days=1), drifted=set(range(5, 60))).live(12, days_old=OLD)
    assert lived.decisions[-1].noticed_date == day(5)
    evidence = lived.evidence(12, OLD)
    other = decide(replace(evidence, champion=KnownVersion(9, day(1))), lived.spec, LAG)
    assert (decide(evidence, lived.spec, LAG).noticed_date, other.noticed_date) == (day(5), day(12))


def test_a_single_bad_day_fires_no_trigger() -> None:
    lived = life(violated={20}, drifted={20}).live(40, days_old=OLD)
    assert not any(trigger.fired for each in lived.decisions[1:] for trigger in each.triggers)


def test_drift_is_seen_at_once_and_trained_on_when_it_can_be_learned() -> None:
    lived = life(drifted=set(range(20, 120)), mends_from=21).live(120, days_old=OLD)
    assert lived.yes() == [0, 20 + 7 - 1 + LAG.days]
    assert lived.decisions[21].noticed_date == day(21)
    assert life(RetrainPolicy(fresh_days=None, on_drift=False), drifted=set(range(20, 120))).live(
        120, days_old=OLD
    ).yes() == [0]


def test_a_policy_that_waits_for_nothing_trains_on_the_day_that_notices() -> None:
    policy = RetrainPolicy(fresh_days=None, learnable_days=0)
    assert life(policy, drifted=set(range(20, 120)), mends_from=21).live(60, days_old=OLD).yes() == [0, 21]


def test_a_model_that_is_too_old_is_trained_again() -> None:
    assert life(RetrainPolicy(fresh_days=30)).live(100, days_old=OLD).yes() == [0, 31, 62, 93]
    assert life(RetrainPolicy(fresh_days=None)).live(100, days_old=OLD).yes() == [0]


def test_who_asks_by_hand_waits_for_no_cooldown_and_is_named_once() -> None:
    lived = life(requests={3: "somebody"}).live(20, days_old=OLD)
    assert lived.yes() == [0, 3]
    assert lived.decisions[3].reason == "yes: somebody asked for it: why not"
    assert [each.requested_by for each in lived.decisions].count("somebody") == 1


def test_who_asks_while_a_training_is_under_way_is_served_afterwards() -> None:
    lived = life(outcomes=[2], requests={1: "somebody"}).live(20, days_old=OLD)
    assert lived.yes() == [0, 3]
    assert lived.decisions[1].reason.startswith("no: the training as of 2026-01-01 is not finished (attempt 2 of 3)")


def test_a_training_that_fails_as_often_as_allowed_is_given_up_and_says_so() -> None:
    lived = life(outcomes=[99]).live(12, days_old=OLD)
    assert [each.training_date for each in lived.decisions[:4]] == [day(0), day(0), day(0), None]
    assert [each.attempt for each in lived.decisions[:4]] == [1, 2, 3, None]
    assert "the training as of 2026-01-01 was given up after 3 failed runs" in lived.decisions[3].reason
    assert lived.yes() == [0, 7]


def test_labels_that_can_still_change_keep_everybody_from_training() -> None:
    lived = life(requests={5: "somebody"}, landing_lag={5: 1, 6: 2}).live(10, days_old=OLD)
    assert lived.yes() == [0, 7]
    assert lived.decisions[6].reason.startswith("no: landing days are complete until 2026-01-05, later labels")


def test_other_code_or_another_spec_trains_again_after_the_cooldown() -> None:
    lived = life().live(10, days_old=OLD)
    evidence = lived.evidence(10, OLD)
    assert not decide(evidence, lived.spec, LAG).retrain
    for other, told in (({"declared_by": "other"}, "the spec"), ({"made_by": "other"}, "the code")):
        decision = decide(replace(evidence, **other), lived.spec, LAG)
        assert decision.reason == f"yes: {told} changed since version 1 was trained"
    unknown = replace(evidence, declared_by="other", challenger=KnownVersion(1, day(0)))
    assert not decide(unknown, lived.spec, LAG).retrain


def test_enough_new_labels_train_again() -> None:
    lived = life(RetrainPolicy(new_labels=500)).live(10, days_old=OLD)
    few, enough = (
        decide(replace(lived.evidence(10, OLD), new_positives=count), lived.spec, LAG) for count in (499, 500)
    )
    assert (few.retrain, enough.retrain) == (False, True)


def test_a_violation_is_a_change_of_its_own_whatever_drift_was_noticed_before() -> None:
    lived = life(violated=set(range(20, 120)), drifted=set(range(5, 120)), mends_from=21).live(31, days_old=OLD)
    assert [
        (each.noticed_by, each.noticed_date, each.change_date) for each in (lived.decisions[28], lived.decisions[29])
    ] == [
        ("drift", day(6), day(5)),
        ("metric", day(29), day(SURE)),
    ]
