"""Pages of the app: one file, one page; a page reads widgets, calls workflows and shows figures.

Files with an underscore are shared between pages. No page imports torch: what needs it runs in a worker.
"""

from explorer.pages._arenas import few_arenas

few_arenas()  # here, because the server imports pages before it has many threads
