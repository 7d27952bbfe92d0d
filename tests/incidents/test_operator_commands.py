"""What `archive` and `run_clocks` tell an operator: sentences in their language, exit status 2 for misuse."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.utils import translation


@pytest.mark.parametrize(
    "time", ["", "yesterday", "2026-05-04", "2026-05-04T09:12:31", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59Z", "\x01"]
)
@pytest.mark.parametrize(("language", "words"), [("zh-hans", "--before 需要带时区的时间"), ("en", "--before wants a time with its zone")])
def test_a_time_that_is_none_is_misuse_in_the_operators_language(db: None, time: str, language: str, words: str) -> None:
    with translation.override(language), pytest.raises(CommandError, match=words) as misuse:
        call_command("archive", "--before", time)
    assert misuse.value.returncode == 2


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "已归档案件：0"), ("en", "Cases archived: 0")])
def test_what_was_done_is_told_in_the_operators_language(db: None, language: str, words: str) -> None:
    for command in (("archive", "--before", "2026-05-04T09:12:31+08:00"), ("run_clocks", "--once")):
        out = io.StringIO()
        with translation.override(language):
            call_command(*command, stdout=out)
        assert words in out.getvalue()
