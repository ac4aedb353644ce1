"""The page in a real browser: nothing loaded, nothing run that a document says, usable by mouse and by keyboard."""

from __future__ import annotations

import json
import re
import time

import pytest
from reporting_page import EVIL_ID, ids, open_page, status

from clif.ranking import newest_ranking


def test_it_loads_nothing_and_complains_of_nothing(page_opened):
    assert page_opened.said == []
    assert page_opened.asked == []


def test_texts_of_documents_do_nothing(page_opened):
    page = page_opened.page
    page.fill("#query", "onerror")
    assert ids(page) == [EVIL_ID]
    page.click("#rows button")
    sheet = page.locator("#sheet")
    assert page.locator("#sheet-title").inner_text() == EVIL_ID
    assert "<script>alert(1)</script>" in sheet.inner_text().replace("−", "").replace("+", "")
    assert "</script><script>window.harmed=3</script>" in sheet.inner_text()
    assert page.evaluate("window.harmed") is None
    assert page.locator("img").count() == 0
    assert page.locator("script").count() == 2  # its own, and its data
    assert page_opened.said == []
    assert page_opened.asked == []


def test_what_a_page_would_load_is_refused_by_its_policy(page_opened):
    page_opened.page.evaluate(
        """() => {
            const image = document.createElement("img"); image.src = "https://example.org/x.png";
            const script = document.createElement("script"); script.textContent = "window.harmed = 4";
            document.body.append(image, script);
        }"""
    )
    assert page_opened.page.evaluate("window.harmed") is None
    assert any("Content Security Policy" in line for line in page_opened.said)


def test_rows_are_those_of_the_ranking(page_opened, reported):
    ranking = newest_ranking(reported.run)
    assert ids(page_opened.page) == ranking.doc_ids[:25]
    assert status(page_opened.page).startswith("200 documents; showing 1 to 25, page 1 of 8")


def test_a_heading_sorts_by_its_column_and_says_so(page_opened, reported):
    page, ranking = page_opened.page, newest_ranking(reported.run)
    head = page.locator("#head th", has_text="Words")
    assert head.get_attribute("aria-sort") == "none"
    page.get_by_role("button", name="Words").click()
    assert head.get_attribute("aria-sort") == "ascending"
    tokens = dict(zip(ranking.doc_ids, ranking.columns["tokens"], strict=True))
    by_length = sorted(ranking.doc_ids, key=lambda doc_id: tokens[doc_id])
    assert [tokens[doc_id] for doc_id in ids(page)] == [tokens[doc_id] for doc_id in by_length[:25]]
    page.get_by_role("button", name="Words").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert [tokens[doc_id] for doc_id in ids(page)] == [tokens[doc_id] for doc_id in by_length[::-1][:25]]
    assert page.locator("#head [aria-sort=ascending]").count() == 0


def test_search_narrows_and_pages_turn_by_keyboard(page_opened):
    page = page_opened.page
    page.focus("#query")
    page.keyboard.type("carrier:true")
    found = int(re.match(r"(\d+) of 200", status(page))[1])
    carriers = [json.loads(page.locator("#data").text_content())["fields"]]
    field = next(field for field in carriers[0] if field["name"] == "carrier")
    assert found == field["codes"].count(field["values"].index("true"))
    page.fill("#query", "")
    page.locator("#next").focus()
    page.keyboard.press("Enter")
    assert "showing 26 to 50, page 2 of 8" in status(page)
    page.keyboard.press("Space")
    assert "page 3 of 8" in status(page)
    page.click("#last")
    assert page.locator("#next").is_disabled()
    page.fill("#query", "no such word")
    assert status(page) == "0 of 200 documents match"


def test_a_document_opens_and_closes_by_keyboard(page_opened):
    page = page_opened.page
    button = page.locator("#rows button").nth(1)
    button.focus()
    page.keyboard.press("Enter")
    assert page.locator("#sheet").is_visible()
    assert page.locator("#sheet mark.carry").count() > 1
    assert page.evaluate("document.activeElement.id") == "sheet-close"
    page.keyboard.press("Escape")
    assert page.locator("#sheet").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == button.inner_text()


def test_a_document_whose_text_is_not_here_says_how_to_see_it(page_opened):
    page = page_opened.page
    page.fill("#query", "")
    for _ in range(3):
        page.click("#next")
    row = page.locator("#rows tr").first
    doc_id = row.locator("button").inner_text()
    row.locator("td").nth(1).click()
    assert f"clif explain clif-run '{doc_id}'" in page.locator("#sheet").inner_text()
    assert page.locator("#sheet mark").count() == 0


def test_the_theme_turns(page_opened):
    paper = "getComputedStyle(document.body).backgroundColor"
    before = page_opened.page.evaluate(paper)
    page_opened.page.get_by_role("button", name="Dark theme").click()
    assert page_opened.page.evaluate(paper) != before
    page_opened.page.get_by_role("button", name="Light theme").click()
    assert page_opened.page.evaluate(paper) == before


@pytest.mark.parametrize(("theme", "width"), [("light", 1280), ("dark", 380)])
def test_it_is_accessible_and_fits(browser, reported, theme, width):
    axe = pytest.importorskip(
        "axe_playwright_python.sync_playwright", reason="axe is not installed: pip install .[dev]"
    )
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme}
    for opened in open_page(browser, reported.page, **options):
        page = opened.page
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        for _ in range(2):  # the page, then one document
            found = axe.Axe().run(page).response["violations"]
            bad = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
            assert bad == []
            page.evaluate("document.querySelector('#rows button').click()")


def test_it_prints_without_its_tools(page_opened):
    page_opened.page.emulate_media(media="print")
    assert page_opened.page.locator("nav").is_hidden()
    assert page_opened.page.locator("#query").is_hidden()
    assert page_opened.page.locator("#rows tr").first.is_visible()


def test_without_scripts_both_ends_are_there(browser, reported):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(reported.page.as_uri())
    assert page.locator("noscript table tbody tr").count() == 20
    assert page.locator("#documents").is_hidden()
    context.close()


def test_25_000_documents_are_quick(browser, many):
    began = time.perf_counter()
    for opened in open_page(browser, many):
        page = opened.page
        assert time.perf_counter() - began < 4  # 2 s where the machine has nothing else to do
        assert many.stat().st_size < 5_000_000
        page.evaluate("document.getElementById('query').value = 'nr 12'")
        spent = page.evaluate(
            """() => { const field = document.getElementById('query'); const times = [];
                for (const text of ['source-1', 'source-12', 'begins 77', '']) {
                    field.value = text; const began = performance.now();
                    field.dispatchEvent(new Event('input')); times.push(performance.now() - began); }
                return times; }"""
        )
        assert max(spent[1:]) < 200  # 100 ms likewise
        assert "25,000 documents" in status(page)
