-- Temporary credentials that were asked for with an access key are over when
-- they were issued before its valid_after, which each change of its status
-- moves. The default is Go's zero time in milliseconds: it has not changed yet.
alter table access_keys add column valid_after bigint not null default -62135596800000;
