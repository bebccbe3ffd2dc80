-- The register of record. Only `account`, `head` and the partial tiles ever change; all of them can be rebuilt
-- from `entry`.
CREATE TABLE head (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    size        bigint NOT NULL,           -- entries in the log
    accounts    bigint NOT NULL,           -- accounts ever opened; the next account's number
    recorded_at timestamptz NOT NULL,      -- instant of the last entry; never goes back
    closed_at   timestamptz NOT NULL,      -- a reader was told what stood at this instant: nothing may enter it
    generation  bigint NOT NULL            -- counts rebuilds: what a process read before one, it must read again
);

--;

INSERT INTO head VALUES (true, 0, 0, '1970-01-01Z', '1970-01-01Z', 0);

--;

CREATE TABLE batch (
    first_seq   bigint PRIMARY KEY,
    size_after  bigint NOT NULL,
    recorded_at timestamptz NOT NULL
);

--;

CREATE UNIQUE INDEX batch_recorded_at ON batch (recorded_at);

--;

CREATE TABLE entry (
    seq  bigint PRIMARY KEY,
    id   uuid NOT NULL UNIQUE,
    legs bigint[] NOT NULL,                -- four numbers a leg: account, amount, account's previous entry, balance
    body bytea NOT NULL                    -- RFC 8785 text; the leaf hash is over exactly these bytes
);

--;

CREATE TABLE wallet (
    wallet     uuid PRIMARY KEY,
    opened_seq bigint NOT NULL
);

--;

CREATE TABLE asset (
    asset       uuid PRIMARY KEY,
    kind        text NOT NULL CHECK (kind IN ('units', 'money')),
    code        text NOT NULL,
    scale       smallint NOT NULL,
    issue_limit bigint,
    opened_seq  bigint NOT NULL
);

--;

-- Balances change all day in place: half-empty pages keep each new version on the page of the old one (HOT), and
-- no changing column is indexed.
CREATE TABLE account (
    number   bigint PRIMARY KEY,
    asset    uuid NOT NULL,
    position text NOT NULL,
    wallet   uuid NOT NULL,
    balance  bigint NOT NULL,
    flags    smallint NOT NULL,            -- 1 debits stopped, 2 credits stopped
    last_seq bigint NOT NULL,              -- last entry that touched it: head of the list through entry.legs
    UNIQUE (asset, position, wallet)
) WITH (fillfactor = 50);

--;

CREATE INDEX account_wallet ON account (wallet);

--;

CREATE TABLE tile (
    level  smallint NOT NULL,
    index  bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (level, index)
);

--;

-- Hashes do not compress; trying would cost more than the hashing.
ALTER TABLE tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

--;

CREATE TABLE checkpoint (
    size      bigint PRIMARY KEY,
    signed_at timestamptz NOT NULL,
    note      text NOT NULL
);

--;

-- Chain over all entries of an account or a wallet (kapital.verify.account_index), as of checkpoint_index.size.
CREATE TABLE account_digest (
    key_hash bytea PRIMARY KEY,
    count    bigint NOT NULL,
    chain    bytea NOT NULL
);

--;

CREATE TABLE checkpoint_index (
    one  boolean PRIMARY KEY DEFAULT true CHECK (one),
    size bigint NOT NULL
);

--;

INSERT INTO checkpoint_index VALUES (true, 0);

--;

CREATE FUNCTION refuse_entry_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries are never changed or deleted: enter a correcting entry';
END $$;

--;

CREATE TRIGGER entry_is_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_entry_change();
