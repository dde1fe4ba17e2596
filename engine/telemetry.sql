-- Live curves and streamed text: many rows, batched. Losing the last quarter of a second harms nobody.
create table sample (
    id          integer primary key,
    experiment  integer not null,
    attempt     integer not null,
    at          real not null,           -- seconds of training, held time not counted
    step        integer not null,
    progress    real,                    -- share of the budget, 0 to 1
    loss        real,                    -- null also for NaN: see bad
    metric      real,
    lr          real,
    speed       real,
    bad         integer not null default 0   -- the loss was NaN or infinite
) strict;
create index sample_experiment on sample (experiment, id);

create table thought (
    id          integer primary key,
    experiment  integer not null,
    at          real not null,
    text        text not null,
    kind        text not null default 'thinking'   -- thinking, text, tool or notice
) strict;
create index thought_experiment on thought (experiment, id);

create table forecast (
    id          integer primary key,
    experiment  integer not null,
    attempt     integer not null,
    at          real not null,
    share       real not null,           -- of the budget, when it was made
    mean        real,
    sd          real,
    p_better    real not null,
    abort_below real not null,
    abort       integer not null,
    reason      text not null
) strict;
create index forecast_experiment on forecast (experiment, id);
