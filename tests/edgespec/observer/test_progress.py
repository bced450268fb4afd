"""When an observer gets on, and when it only seems to."""

from edgespec.observer.progress import Progress


def test_blocks_are_progress_once() -> None:
    progress = Progress(1)
    assert not progress.made([0], [False])
    assert progress.made([5], [False])
    assert not progress.made([5], [False])
    assert progress.made([6], [False])


def test_a_band_that_stands_still_stops_it_though_others_go_on() -> None:
    progress = Progress(2)
    assert progress.made([1, 1], [False, False])
    for count in range(2, 10):
        assert not progress.made([count, 1], [False, False])
    assert progress.made([10, 2], [False, False])


def test_bands_of_different_pace_need_not_move_between_the_same_looks() -> None:
    progress = Progress(2)
    assert not progress.made([1, 0], [False, False])
    assert progress.made([1, 1], [False, False])


def test_a_band_that_has_nothing_to_do_is_not_waited_for() -> None:
    progress = Progress(2)
    assert progress.made([1, 0], [False, True])
    assert not progress.made([1, 0], [False, True])


def test_where_all_rest_nothing_is_made() -> None:
    assert not Progress(2).made([0, 0], [True, True])
