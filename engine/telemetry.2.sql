-- Streamed text has a kind.
alter table thought add column kind text not null default 'thinking';
