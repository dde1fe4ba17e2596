-- The ledger: facts for ever, and the viewers' inbox.
create table event (
    seq        integer primary key,
    at         real not null,            -- seconds since 1970, UTC
    kind       text not null,
    experiment integer,
    body       text not null,            -- the fact as JSON
    hash       text not null default ''  -- over this row and the hash of the one before
) strict;
create index event_experiment on event (experiment, seq) where experiment is not null;

create table command (
    id          integer primary key,
    asked_at    real not null,
    due_at      real not null,           -- not before: until then it can be taken back
    by          text not null,
    via         text not null,
    kind        text not null,
    body        text not null,
    answered_at real,
    ok          integer,
    answer      text
) strict;
create index command_open on command (id) where answered_at is null;
