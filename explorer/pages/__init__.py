"""Pages of the app: one file, one page; a page reads widgets, calls workflows and shows figures.

Files with an underscore are shared between pages. No page imports torch: what needs it runs in a worker.
"""
