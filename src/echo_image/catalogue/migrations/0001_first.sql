-- The first layout: images, where they were found, which index segments cover them.
CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE images (
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- never used twice: a segment may still name a removed one
    content_id BLOB NOT NULL UNIQUE,        -- SHA-256 of the file
    pixel_id BLOB NOT NULL,                 -- SHA-256 of size and decoded pixels
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    format TEXT NOT NULL,
    num_bytes INTEGER NOT NULL,
    quality INTEGER NOT NULL,               -- of the perceptual hash, 0..100
    num_features INTEGER NOT NULL,
    pack INTEGER NOT NULL,                  -- where features and thumbnail lie
    pack_offset INTEGER NOT NULL,
    features_bytes INTEGER NOT NULL,
    thumbnail_bytes INTEGER NOT NULL,
    added_at TEXT NOT NULL,
    attributes TEXT NOT NULL                -- JSON object
);
CREATE INDEX images_pixel_id ON images (pixel_id);

CREATE TABLE locations (
    location TEXT PRIMARY KEY,
    image_id INTEGER NOT NULL REFERENCES images (id),
    num_bytes INTEGER NOT NULL,             -- of the file when it was read, -1 when unknown
    mtime_ns INTEGER NOT NULL               -- -1 when unknown
) WITHOUT ROWID;
CREATE INDEX locations_image_id ON locations (image_id);

CREATE TABLE segments (
    name TEXT PRIMARY KEY,
    first_id INTEGER NOT NULL,
    last_id INTEGER NOT NULL,
    num_images INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE removals (
    image_id INTEGER PRIMARY KEY            -- removed, but still named by a segment
);
