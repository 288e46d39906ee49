// Package store keeps the nouns of an installation on disk, in SQLite or in
// PostgreSQL, with one set of SQL for both.
//
// It owns the schema and its migrations, the uniqueness of names, references
// between nouns, quotas that need counting, and durability: when a method that
// writes returns nil, what it wrote survives a crash of the process and of the
// machine. Every public method is one transaction. Each returns a
// *thingpass.Error for an outcome the caller can act on (not found, exists, in
// use, over a limit) and any other error for trouble with the database.
//
// It does not own decisions: whether a name or a document is valid, who may
// call, what a policy means. It does not own buckets either, only the policies
// that are given to their names. It refuses only text that cannot be stored by both
// engines: invalid UTF-8 and the NUL character.
//
// It trusts the database completely. Whoever can write it can grant themselves
// any role; whoever can read it has the secret access keys of all users, which
// are kept in clear because Signature Version 4 can only be verified with the
// secret itself. Protect the file (Create makes it readable by its owner only)
// or the server, and their backups. The keys that seal sessions are not here.
//
// # One text, two engines
//
// All columns are text, bigint or bytea; parameters are $1, $2 and so on, and
// $1 is always the account. Text is compared bytewise: SQLite does by default,
// and a PostgreSQL database must be created with the collation C, which Create
// and Open check. SQLite has one writer at a time; on PostgreSQL writes are
// serializable transactions that are tried again, a bounded number of times,
// when the server reports a conflict. A function handed to a method, such as
// the change of UpdateRole, may therefore run more than once, and must not
// call the store.
//
// SQLite plans a statement without knowing how much is in a table; where the
// order of a join matters it is written as a cross join, which SQLite keeps to.
//
// Times are kept in milliseconds, durations in seconds; what is finer is cut
// off.
package store
