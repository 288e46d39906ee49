package store

// Observe has f told of each statement, with its arguments but the account.
func (db *DB) Observe(f func(query string, args []any)) { db.observed = f }

// HoldTurns takes all turns for lists until they are released.
func (db *DB) HoldTurns() (release func()) {
	for range cap(db.turns) {
		db.turns <- struct{}{}
	}
	return func() {
		for range cap(db.turns) {
			<-db.turns
		}
	}
}

// Behind is the end of the range of texts with a prefix.
var Behind = behind
