-- Every table is append-only but for names and metadata: results are keyed by what they depend on, never updated.
CREATE TABLE IF NOT EXISTS facts (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);

CREATE TABLE IF NOT EXISTS bases (
    id VARCHAR PRIMARY KEY,             -- hash of the weights
    name VARCHAR NOT NULL UNIQUE,
    path VARCHAR NOT NULL,
    model_type VARCHAR NOT NULL,
    prefix VARCHAR NOT NULL,
    pooling VARCHAR NOT NULL,
    layout VARCHAR NOT NULL,            -- JSON: [name, shape, layer, kind] of each parameter
    layout_key VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS checkpoints (
    id VARCHAR PRIMARY KEY,             -- hash of the task vector
    name VARCHAR NOT NULL UNIQUE,
    base VARCHAR NOT NULL,
    path VARCHAR NOT NULL,
    format VARCHAR NOT NULL,
    dataset VARCHAR,
    task VARCHAR,
    domain VARCHAR,
    seed BIGINT,
    train_size BIGINT,
    method VARCHAR,
    columns VARCHAR NOT NULL,           -- JSON: further metadata
    layout_key VARCHAR NOT NULL,
    rank INTEGER NOT NULL,              -- order of arrival within the layout; its Gram row has rank + 1 entries
    gram BLOB NOT NULL,                 -- float64 (rank + 1, g): inner products with the checkpoints of rank 0 … rank;
                                        -- empty where a sketch takes its place
    added TIMESTAMP DEFAULT current_timestamp,
    UNIQUE (layout_key, rank)
);

CREATE TABLE IF NOT EXISTS signs (
    id VARCHAR PRIMARY KEY,             -- checkpoint
    gram BLOB NOT NULL,                 -- float64 (rank + 1, g): agreeing less opposing signs, as in checkpoints.gram
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS sketches (
    id VARCHAR PRIMARY KEY,             -- checkpoint
    dimension INTEGER NOT NULL,         -- numbers kept of each group, or all of a smaller one
    seed BIGINT NOT NULL,
    squares BLOB NOT NULL,              -- float64 (g,): squared length of each group's part
    sketch BLOB NOT NULL,               -- float32: the groups' parts one after the other
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS weight_files (
    model VARCHAR PRIMARY KEY,          -- base or checkpoint
    files VARCHAR NOT NULL,             -- JSON: (name, bytes, time of change, inode) of its files, and hashes of what
                                        -- lies beside the weights
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS projections (
    key VARCHAR PRIMARY KEY,
    spec VARCHAR NOT NULL,              -- JSON of the MapSpec
    ids VARCHAR NOT NULL,
    coords BLOB NOT NULL,               -- float64 (n, k)
    explained VARCHAR,
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS tasks (
    name VARCHAR PRIMARY KEY,
    path VARCHAR NOT NULL,
    labels VARCHAR NOT NULL,
    n_train INTEGER NOT NULL,
    n_test INTEGER NOT NULL,
    digest VARCHAR NOT NULL,            -- hash of all rows: the identity that scores refer to
    family VARCHAR,
    domain VARCHAR,
    source VARCHAR NOT NULL,
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS scores (
    point VARCHAR NOT NULL,             -- hash of the Point
    task VARCHAR NOT NULL,              -- digest of the task
    probe VARCHAR NOT NULL,             -- key of the measurement's settings
    recipe VARCHAR NOT NULL,            -- JSON of the Point
    loss DOUBLE NOT NULL,
    stderr DOUBLE NOT NULL,
    accuracy DOUBLE NOT NULL,
    n INTEGER NOT NULL,
    device VARCHAR NOT NULL,
    seconds DOUBLE NOT NULL,
    losses BLOB NOT NULL,               -- float32 (n,)
    added TIMESTAMP DEFAULT current_timestamp,
    PRIMARY KEY (point, task, probe)
);

CREATE TABLE IF NOT EXISTS points (
    name VARCHAR PRIMARY KEY,           -- given by a user; no checkpoint or base has it
    recipe VARCHAR NOT NULL,            -- JSON of the Point
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS findings (
    base VARCHAR NOT NULL,
    claim VARCHAR NOT NULL,             -- C1, C2, …
    made VARCHAR NOT NULL,              -- when, UTC in ISO form; the latest counts
    state VARCHAR NOT NULL,             -- digest of the models and texts it was found on
    probe VARCHAR NOT NULL,             -- how losses were measured, in words
    finding VARCHAR NOT NULL,           -- JSON
    added TIMESTAMP DEFAULT current_timestamp,
    PRIMARY KEY (base, claim, made)
);

CREATE TABLE IF NOT EXISTS runs (
    point VARCHAR NOT NULL,             -- hash of the Point that training started from
    task VARCHAR NOT NULL,              -- digest of the task trained and measured on
    tuning VARCHAR NOT NULL,            -- key of how it was trained
    size BIGINT NOT NULL,               -- train texts; 0: all
    seed BIGINT NOT NULL,
    recipe VARCHAR NOT NULL,            -- JSON of the Point
    how VARCHAR NOT NULL,               -- JSON of the tuning
    accuracy DOUBLE NOT NULL,
    loss DOUBLE NOT NULL,
    stderr DOUBLE NOT NULL,
    n INTEGER NOT NULL,
    steps INTEGER NOT NULL,
    seconds DOUBLE NOT NULL,
    device VARCHAR NOT NULL,
    added TIMESTAMP DEFAULT current_timestamp,
    PRIMARY KEY (point, task, tuning, size, seed)
);

CREATE TABLE IF NOT EXISTS views (
    id VARCHAR PRIMARY KEY,             -- short hash of page and state
    page VARCHAR NOT NULL,
    state VARCHAR NOT NULL,             -- JSON: values of the page's controls by key
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS saved_views (
    name VARCHAR NOT NULL,              -- identity of what a user saved
    version INTEGER NOT NULL,           -- the latest counts
    view VARCHAR NOT NULL,              -- id in views
    title VARCHAR NOT NULL,
    note VARCHAR NOT NULL,
    sketch VARCHAR NOT NULL,            -- SVG, empty where there is none
    removed BOOLEAN NOT NULL,
    made VARCHAR NOT NULL,              -- when it was first saved, UTC in ISO form
    added TIMESTAMP DEFAULT current_timestamp,
    PRIMARY KEY (name, version)
);

CREATE TABLE IF NOT EXISTS drawings (
    saved VARCHAR PRIMARY KEY,          -- name in saved_views
    look VARCHAR NOT NULL,              -- light, dark or projector
    figures BLOB NOT NULL,              -- zlib of JSON: plotly's JSON of each figure
    added TIMESTAMP DEFAULT current_timestamp
);

CREATE TABLE IF NOT EXISTS stories (
    name VARCHAR NOT NULL,              -- identity
    version INTEGER NOT NULL,           -- the latest counts
    title VARCHAR NOT NULL,
    steps VARCHAR NOT NULL,             -- JSON: [name in saved_views, notes] of each step
    removed BOOLEAN NOT NULL,
    made VARCHAR NOT NULL,              -- when it was begun, UTC in ISO form
    added TIMESTAMP DEFAULT current_timestamp,
    PRIMARY KEY (name, version)
);
