"""The browser side of the app: the map-and-path component."""
