"""Which parameters of the backbone train: a file here is a method, named by the file, that a recipe can ask for."""
