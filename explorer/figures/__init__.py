"""Figures: values in, plotly figures out, all in one theme. No database, no session, no weights."""
