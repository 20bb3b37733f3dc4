"""Ways through weight space: which α to evaluate on a line, and which mixture of models to go to."""
