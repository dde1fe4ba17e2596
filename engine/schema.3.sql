-- Each fact's row has a hash over itself and the row before it, empty in rows that are older than this.
alter table event add column hash text not null default '';
