"""A click acts although another control is moved at once: the run that takes over has the press too."""

from __future__ import annotations

import re

import pytest
from visiting import at_rest

BOTH = """(second) => new Promise((done) => {
    const named = (name) => [...document.querySelectorAll('button')].find(b => b.innerText.includes(name));
    const app = document.querySelector('.stApp');
    const watch = new MutationObserver(() => {
        if (app.dataset.testScriptState !== 'running') return;
        watch.disconnect();
        named(second).click();  // the run that has the first click is on its way, and not yet at its button
        done();
    });
    watch.observe(app, { attributes: true });
    named('Find the tensors').click();
})"""


@pytest.fixture
def page(opened):
    """The Compare page where its button is that begins to read weights."""
    page = opened("compare")
    page.get_by_role("tab", name="Tensors").click()
    page.get_by_role("button", name="Find the tensors").wait_for()
    at_rest(page)
    return page


def test_a_click_acts_though_another_control_is_moved_at_once(page):
    page.evaluate(BOTH, "Help")
    page.get_by_text(re.compile("Tensors of m|parameters, by ‖θ_A − θ_B‖")).first.wait_for(timeout=20_000)
