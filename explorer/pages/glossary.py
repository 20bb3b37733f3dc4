"""All terms with their meanings and sources, to look up and to search."""

from __future__ import annotations

import streamlit as st

from explorer.pages._glossary import TERMS, lines
from explorer.pages._session import plain


def show() -> None:
    st.subheader("Glossary")
    wanted = st.text_input("Find a term", placeholder="Barrier, P_B, hull …", key="glossary_find", width=320)
    words = wanted.casefold().split()
    found = {key: term for key, term in TERMS.items()
             if all(w in f"{term.word} {term.meaning} {term.source}".casefold() for w in words)}
    if not found:
        st.info(f"No term has {plain(wanted)} in it. The README and the paper may.", icon=":material/search_off:")
    columns = st.columns(2, gap="large")
    groups = list(dict.fromkeys(term.group for term in found.values()))
    for i, group in enumerate(groups):
        with columns[i % 2].container(border=True):
            st.markdown(f"**{group}**")
            st.markdown(lines([key for key, term in found.items() if term.group == group]))
    st.caption("Sources are papers by their authors, without a link: the app asks nothing of other hosts. Gueta et al. "
               "2023 is the paper that it reproduces, arXiv 2302.04863.")


show()
