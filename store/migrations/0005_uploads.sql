-- Multipart uploads to S3 engines that do not look at checksums, while they last
-- and a while after. The id is made of bucket, key and upload id by who asks.
create table uploads (
	account       text not null,
	id            text not null,
	owner         text not null,
	algorithm     text not null,
	checksum_type text not null,
	ended         text not null,
	expires       bigint not null,
	primary key (account, id)
);
create index uploads_by_expiry on uploads (account, expires, id);
create index uploads_by_owner on uploads (account, owner, expires, id);

create table upload_parts (
	account   text not null,
	upload    text not null,
	number    bigint not null,
	etag      text not null,
	size      bigint not null,
	algorithm text not null,
	checksum  text not null,
	primary key (account, upload, number),
	foreign key (account, upload) references uploads (account, id)
);
