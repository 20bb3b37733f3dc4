"""The browser side of the app: one component that draws the map, the path's curve and the panel of a mixture.

Its files and plotly.js are served by the app itself (`serving`), and nothing is fetched from outside.
"""
