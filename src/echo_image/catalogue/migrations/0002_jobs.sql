-- Jobs: what was offered, what became of each item; attributes by location; what the web said of a location.

-- An image's attributes are those of its locations together, so they do not depend on which came first.
ALTER TABLE locations ADD COLUMN attributes TEXT NOT NULL DEFAULT '{}';   -- JSON object
UPDATE locations SET attributes = (SELECT attributes FROM images WHERE images.id = image_id);

-- Rises with every change of images, locations or segments: readers look at nothing else.
INSERT INTO meta VALUES ('changes', '0');

CREATE TABLE checks (
    location TEXT PRIMARY KEY REFERENCES locations (location) ON DELETE CASCADE,
    etag TEXT NOT NULL DEFAULT '',
    last_modified TEXT NOT NULL DEFAULT '',
    checked_at TEXT NOT NULL,               -- ISO 8601, UTC
    missing_since TEXT,                     -- NULL while it is there
    code TEXT NOT NULL DEFAULT '',          -- why it is missing
    reason TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;

CREATE TABLE quarantine (
    location TEXT PRIMARY KEY,
    num_bytes INTEGER NOT NULL,             -- of the file that broke its reader, -1 when unknown
    mtime_ns INTEGER NOT NULL,
    content_id BLOB,                        -- SHA-256 where the bytes came without a file
    code TEXT NOT NULL,
    reason TEXT NOT NULL,
    since TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,              -- 32 hexadecimal digits
    kind TEXT NOT NULL,                     -- add, recheck
    origin TEXT NOT NULL,                   -- library, service
    spec TEXT NOT NULL,                     -- JSON: sources and options
    state TEXT NOT NULL,                    -- queued, running, interrupted, done, failed, cancelled
    listed INTEGER NOT NULL DEFAULT 0,      -- whether everything that the sources offer is in job_items
    walk INTEGER NOT NULL DEFAULT 0,        -- how often the listing was begun
    cancelling INTEGER NOT NULL DEFAULT 0,
    added INTEGER NOT NULL DEFAULT 0,
    updated INTEGER NOT NULL DEFAULT 0,
    unchanged INTEGER NOT NULL DEFAULT 0,
    skipped INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    pending INTEGER NOT NULL DEFAULT 0,     -- the six add up to what was offered
    created_at TEXT NOT NULL,               -- ISO 8601, UTC
    started_at TEXT,
    finished_at TEXT,
    seconds REAL NOT NULL DEFAULT 0,        -- of work, over all runs
    error TEXT                              -- JSON: what stopped it
);

CREATE TABLE job_items (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    location TEXT NOT NULL,
    status TEXT NOT NULL,                   -- pending, added, updated, unchanged, skipped, failed
    code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    http_status INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    seconds REAL NOT NULL DEFAULT 0,        -- of the last attempt
    finished_at REAL,                       -- seconds since 1970
    walk INTEGER NOT NULL,                  -- the listing that offered it last
    seen INTEGER NOT NULL DEFAULT 1,        -- how often that one offered it
    repeats INTEGER NOT NULL DEFAULT 0,     -- further offers, counted in jobs
    kind TEXT NOT NULL,
    offered TEXT NOT NULL                   -- JSON: what else is needed to take it up again
);
CREATE UNIQUE INDEX job_items_location ON job_items (job, location);
CREATE INDEX job_items_open ON job_items (job, kind, id) WHERE status = 'pending';
CREATE INDEX job_items_failed ON job_items (job, id) WHERE status = 'failed';
