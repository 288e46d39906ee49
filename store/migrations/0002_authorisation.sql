-- Managed policies, permissions boundaries, versions of IoT policies, thing
-- groups and bucket policies. One text for SQLite and PostgreSQL, as in 0001.

alter table users add column tags text not null default 'null';
create index users_by_name on users (account, name);

-- version is the default one, latest the last that was given out: numbers are
-- never used again.
create table managed_policies (
	account     text not null,
	id          text not null,
	name_key    text not null,
	name        text not null,
	path        text not null,
	description text not null,
	version     bigint not null,
	latest      bigint not null,
	created     bigint not null,
	modified    bigint not null,
	tags        text not null,
	primary key (account, id),
	unique (account, name_key)
);
create index managed_policies_by_name on managed_policies (account, name);

create table managed_policy_versions (
	account   text not null,
	policy_id text not null,
	version   bigint not null,
	document  text not null,
	created   bigint not null,
	primary key (account, policy_id, version),
	foreign key (account, policy_id) references managed_policies (account, id)
);

create table role_managed (
	account   text not null,
	role_id   text not null,
	policy_id text not null,
	primary key (account, role_id, policy_id),
	foreign key (account, role_id) references roles (account, id),
	foreign key (account, policy_id) references managed_policies (account, id)
);
create index role_managed_by_policy on role_managed (account, policy_id, role_id);

create table user_managed (
	account   text not null,
	user_id   text not null,
	policy_id text not null,
	primary key (account, user_id, policy_id),
	foreign key (account, user_id) references users (account, id),
	foreign key (account, policy_id) references managed_policies (account, id)
);
create index user_managed_by_policy on user_managed (account, policy_id, user_id);

-- Tables of their own, because only so both engines hold on to the policy.
create table role_boundaries (
	account   text not null,
	role_id   text not null,
	policy_id text not null,
	primary key (account, role_id),
	foreign key (account, role_id) references roles (account, id),
	foreign key (account, policy_id) references managed_policies (account, id)
);
create index role_boundaries_by_policy on role_boundaries (account, policy_id, role_id);

create table user_boundaries (
	account   text not null,
	user_id   text not null,
	policy_id text not null,
	primary key (account, user_id),
	foreign key (account, user_id) references users (account, id),
	foreign key (account, policy_id) references managed_policies (account, id)
);
create index user_boundaries_by_policy on user_boundaries (account, policy_id, user_id);

create table bucket_policies (
	account  text not null,
	bucket   text not null,
	document text not null,
	primary key (account, bucket)
);

-- IoT. policies.document and policies.version stay what exchanges read: a copy
-- of the default version. policies.latest is the last number given out.

alter table policies add column latest bigint not null default 1;
update policies set latest = cast(version as bigint);

create table policy_versions (
	account  text not null,
	policy   text not null,
	version  bigint not null,
	document text not null,
	created  bigint not null,
	primary key (account, policy, version),
	foreign key (account, policy) references policies (account, name)
);
insert into policy_versions (account, policy, version, document, created)
	select account, name, cast(version as bigint), document, created from policies;

create table thing_groups (
	account     text not null,
	name        text not null,
	id          text not null,
	parent      text,
	description text not null,
	attributes  text not null,
	version     bigint not null,
	created     bigint not null,
	primary key (account, name),
	foreign key (account, parent) references thing_groups (account, name)
);
create index thing_groups_by_parent on thing_groups (account, parent, name);

-- Each group with itself, at distance 0, and all groups above it.
create table thing_group_ancestors (
	account    text not null,
	group_name text not null,
	ancestor   text not null,
	distance   bigint not null,
	primary key (account, group_name, ancestor),
	foreign key (account, group_name) references thing_groups (account, name),
	foreign key (account, ancestor) references thing_groups (account, name)
);
create index thing_group_ancestors_by_ancestor on thing_group_ancestors (account, ancestor, group_name);

create table thing_group_members (
	account    text not null,
	thing      text not null,
	group_name text not null,
	primary key (account, thing, group_name),
	foreign key (account, thing) references things (account, name),
	foreign key (account, group_name) references thing_groups (account, name)
);
create index thing_group_members_by_group on thing_group_members (account, group_name, thing);

create table group_policy_attachments (
	account    text not null,
	group_name text not null,
	policy     text not null,
	primary key (account, group_name, policy),
	foreign key (account, group_name) references thing_groups (account, name),
	foreign key (account, policy) references policies (account, name)
);
create index group_policy_attachments_by_policy on group_policy_attachments (account, policy, group_name);
