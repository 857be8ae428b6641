-- Pages of web sites that a job reads, and the images found on them.
CREATE TABLE pages (
    id INTEGER PRIMARY KEY,
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    site TEXT NOT NULL,                     -- the URL where the reading began
    url TEXT NOT NULL,
    depth INTEGER NOT NULL,                 -- links that lead to it from there
    state TEXT NOT NULL,                    -- waiting, done, failed, skipped
    code TEXT NOT NULL DEFAULT '',
    reason TEXT NOT NULL DEFAULT '',
    http_status INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    num_images INTEGER NOT NULL DEFAULT 0   -- that it shows
);
CREATE UNIQUE INDEX pages_url ON pages (job, site, url);
CREATE INDEX pages_waiting ON pages (job, site, depth, url) WHERE state = 'waiting';

CREATE TABLE page_images (
    job INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    url TEXT NOT NULL,
    num_pages INTEGER NOT NULL,             -- pages that show it
    depth INTEGER NOT NULL,                 -- of the first of these, by depth and URL
    page TEXT NOT NULL,                     -- its URL
    alt TEXT NOT NULL,                      -- and what it calls the image
    moved INTEGER NOT NULL DEFAULT 0,       -- whether it was offered with another page or alt
    PRIMARY KEY (job, url)
) WITHOUT ROWID;
