-- The nouns of an installation. One text for SQLite and PostgreSQL: names are
-- text compared bytewise, times are Unix milliseconds and durations seconds in
-- bigint, and the account is part of every key.

create table installations (
	account  text not null primary key,
	region   text not null,
	endpoint text not null,
	created  bigint not null
);

-- IAM. name_key is the lower-case name: names are unique ignoring case.

create table roles (
	account     text not null,
	id          text not null,
	name_key    text not null,
	name        text not null,
	path        text not null,
	trust       text not null,
	trust_ids   text not null,
	description text not null,
	max_session bigint not null,
	created     bigint not null,
	tags        text not null,
	primary key (account, id),
	unique (account, name_key)
);
create index roles_by_name on roles (account, name);

create table role_policies (
	account  text not null,
	role_id  text not null,
	name     text not null,
	document text not null,
	primary key (account, role_id, name),
	foreign key (account, role_id) references roles (account, id)
);

create table users (
	account  text not null,
	id       text not null,
	name_key text not null,
	name     text not null,
	path     text not null,
	created  bigint not null,
	primary key (account, id),
	unique (account, name_key)
);

create table user_policies (
	account  text not null,
	user_id  text not null,
	name     text not null,
	document text not null,
	primary key (account, user_id, name),
	foreign key (account, user_id) references users (account, id)
);

create table access_keys (
	account text not null,
	id      text not null,
	user_id text not null,
	secret  text not null,
	active  bigint not null,
	created bigint not null,
	primary key (account, id),
	foreign key (account, user_id) references users (account, id)
);
create index access_keys_by_user on access_keys (account, user_id);

-- IoT.

create table role_aliases (
	account  text not null,
	name     text not null,
	role_arn text not null,
	duration bigint not null,
	created  bigint not null,
	modified bigint not null,
	primary key (account, name)
);

create table policies (
	account    text not null,
	name       text not null,
	document   text not null,
	version    text not null,
	created    bigint not null,
	modified   bigint not null,
	generation text not null,
	primary key (account, name)
);

-- What an exchange reads of a certificate; the rest is in certificates.
-- Sessions issued before valid_after are over.
create table devices (
	account     text not null,
	id          text not null,
	status      text not null,
	not_before  bigint not null,
	not_after   bigint not null,
	valid_after bigint not null,
	primary key (account, id)
);

create table certificates (
	account    text not null,
	id         text not null,
	mode       text not null,
	created    bigint not null,
	modified   bigint not null,
	version    bigint not null,
	generation text not null,
	der        bytea not null,
	primary key (account, id),
	foreign key (account, id) references devices (account, id)
);

create table policy_attachments (
	account     text not null,
	certificate text not null,
	policy      text not null,
	primary key (account, certificate, policy),
	foreign key (account, certificate) references devices (account, id),
	foreign key (account, policy) references policies (account, name)
);
create index policy_attachments_by_policy on policy_attachments (account, policy, certificate);

create table thing_types (
	account     text not null,
	name        text not null,
	id          text not null,
	description text not null,
	searchable  text not null,
	deprecated  bigint not null,
	created     bigint not null,
	primary key (account, name)
);

create table things (
	account    text not null,
	name       text not null,
	id         text not null,
	type       text,
	attributes text not null,
	version    bigint not null,
	created    bigint not null,
	primary key (account, name),
	foreign key (account, type) references thing_types (account, name)
);
create index things_by_type on things (account, type, name);

-- The attributes of things once more, to find things by them.
create table thing_attributes (
	account text not null,
	name    text not null,
	value   text not null,
	thing   text not null,
	primary key (account, thing, name),
	foreign key (account, thing) references things (account, name)
);
create index thing_attributes_by_name on thing_attributes (account, name, thing, value);

-- Sessions issued for the thing before since are over.
create table thing_attachments (
	account     text not null,
	certificate text not null,
	thing       text not null,
	exclusive   bigint not null,
	since       bigint not null,
	primary key (account, certificate, thing),
	foreign key (account, certificate) references devices (account, id),
	foreign key (account, thing) references things (account, name)
);
create index thing_attachments_by_thing on thing_attachments (account, thing, certificate);

create table tags (
	account text not null,
	kind    text not null,
	name    text not null,
	key     text not null,
	value   text not null,
	primary key (account, kind, name, key)
);
