"""Results of a hostile corpus in a real browser do nothing but stand there."""

from __future__ import annotations

import pandas as pd
import pytest

import clif

BAD_ID = '"><img src=x onerror="document.title=1">'
BAD_TEXT = "<script>document.title=2</script> "


@pytest.fixture(scope="module")
def shown(made, tmp_path_factory):
    """The HTML of everything, on a page."""
    from conftest import retrain_here

    frame = pd.read_json(made.corpus, lines=True)
    first = clif.rank(made.run, made.test, measure="mean_difference").doc_ids[0]
    frame.loc[frame["id"] == first, "text"] = BAD_TEXT + frame.loc[frame["id"] == first, "text"]
    frame["id"] = frame["id"].where(frame["id"] != first, BAD_ID)
    place = tmp_path_factory.mktemp("shown")
    model = clif.train(frame, place / "run", dim=10, epochs=8, min_count=2, sample=0)
    ranking = model.rank(made.test, measure="mean_difference")
    with pytest.MonkeyPatch.context() as patch:
        retrain_here(patch)
        retrained = model.retrain(ranking, remove=5, seeds=1, controls=1)
    results = [model, model.audit(made.test), ranking, model.by_field(ranking, "carrier")]
    results += [model.explain(BAD_ID), retrained, model.report()]
    page = place / "shown.html"
    body = "".join(result._repr_html_() for result in results)
    page.write_text(f"<!doctype html><meta charset=utf-8><title>still</title>{body}", "utf-8")
    return page, results


def test_hostile_documents_do_nothing(shown, browser):
    page, results = shown
    opened = browser.new_page()
    asked, said = [], []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: said.append(message.text))
    opened.goto(page.as_uri())
    assert opened.title() == "still"
    assert asked == [page.as_uri()]
    assert not said
    assert opened.locator("script, img").count() == 0
    assert BAD_ID in opened.inner_text("body")
    assert BAD_TEXT.strip() in opened.inner_text(".clif-text")
    assert opened.locator("mark").count() > 3
    assert opened.locator(".clif-view").count() == len(results)
    opened.close()


def test_what_stands_at_a_prompt_is_short(shown):
    for result in shown[1]:
        lines = repr(result).splitlines()
        assert 1 < len(lines) <= 22
        assert BAD_ID in repr(result) or "<" not in repr(result)
